"""Environment variables stand for options, and are read as strictly."""

import pytest
import yaml

CASES = [
    ("CBENCH_METHOD", "bas", "did you mean 'base'?"),
    ("CBENCH_METHOD", "../x", "unknown method '../x'"),
    ("CBENCH_SUITE", "colour", "did you mean 'colours'?"),
    ("CBENCH_TRACK", "nowhere.yaml", "No such file"),
    ("CBENCH_TRACK", "\x1b[31m", "unknown track"),
    ("CBENCH_RESULTS", "/dev/null", "cannot be written"),
    ("CBENCH_RESULTS", "/proc/x", "cannot be written"),
    ("CBENCH_DEBUG", "perhaps", "Invalid value for '--debug'"),
]


@pytest.mark.parametrize(("name", "value", "line"), CASES)
def test_variable(refused, home, monkeypatch, name, value, line):
    fields = {
        "CBENCH_METHOD": "base",
        "CBENCH_SUITE": "colours",
        "CBENCH_TRACK": str(home / "tiny.yaml"),
        "CBENCH_RESULTS": str(home / "out"),
    }
    for key, sound in (fields | {name: value}).items():
        monkeypatch.setenv(key, sound)
    refused(["run"], line)


@pytest.mark.parametrize(
    "verb", ["leaderboard", "figures", "check", "ls", "status", "logs", "clean", "verify"]
)
def test_results_folder(refused, monkeypatch, verb, tmp_path):
    monkeypatch.setenv("CBENCH_RESULTS", str(tmp_path / "nowhere"))
    (tmp_path / "b.json").write_text("{}")
    more = {"check": ["--baseline", tmp_path / "b.json"], "ls": ["runs"]}
    refused([verb, *more.get(verb, [])], "nowhere" if verb != "check" else "is not a baseline")


PLACES = [
    ("CBENCH_WEIGHTS", "/nowhere", "{sdxl} is not on this machine: run `cbench prepare`"),
    ("CBENCH_WEIGHTS", "/dev/null", "is not on this machine"),
    ("CBENCH_WEIGHTS", "\x1b[31m", "is not on this machine"),
    ("CBENCH_WEIGHTS", "a" * 300, "File name too long"),
    ("CBENCH_DATA", "/nowhere", "no folder /nowhere/dreambooth"),
    ("CBENCH_DATA", "/dev/null", "no folder /dev/null/dreambooth"),
    ("CBENCH_DATA", "\x1b[31m", "no folder"),
    ("CBENCH_DATA", "../../..", "no folder ../../../dreambooth"),
    ("CBENCH_DATA", "a" * 300, "File name too long"),
    (
        "CBENCH_DATA",
        "~nobody-of-this-name",
        "cannot expand ~ in CBENCH_DATA=~nobody-of-this-name: no such user",
    ),
]
"""Where weights and photographs are looked for, by the paper's track; the weights come first."""


@pytest.mark.parametrize(("name", "value", "line"), PLACES)
def test_place(refused, home, monkeypatch, name, value, line):
    fields = yaml.safe_load((home / "tiny.yaml").read_text())
    if name == "CBENCH_DATA":
        fields["suites"]["colours"] = {"dataset": "dreambooth", "metrics": ["colour"]}
    fields["backbone"] |= {"path": "nobody/nothing"}
    (home / "tiny.yaml").write_text(yaml.safe_dump(fields))
    monkeypatch.setenv(name, value)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "cache"))
    words = [
        "run",
        "--method",
        "base",
        "--suite",
        "colours",
        "--track",
        home / "tiny.yaml",
        "--results",
        home / "out",
    ]
    refused(words, line.format(sdxl="nobody/nothing"))


@pytest.mark.parametrize("value", ["tpu", "cuda:99", "cuda:x", "meta!", "../x", "\x1b[31m", "cpu:x"])
def test_device(refused, home, monkeypatch, value):
    monkeypatch.setenv("CBENCH_DEVICE", value)
    refused(
        [
            "run",
            "--method",
            "base",
            "--suite",
            "colours",
            "--track",
            home / "tiny.yaml",
            "--results",
            home / "out",
        ],
        "device ",
    )


@pytest.mark.parametrize("value", ["0", "false", ""])
def test_debug_that_is_off(refused, monkeypatch, value):
    monkeypatch.setenv("CBENCH_DEBUG", value)
    refused(["ls", "x"], "unknown kind 'x'")


def test_debug_shows_the_traceback(monkeypatch, home):
    from cbench.cli import main
    from cbench.errors import BadInput

    monkeypatch.setenv("CBENCH_DEBUG", "1")
    with pytest.raises(BadInput, match="unknown kind"):
        main(["ls", "x"])

"""Environment variables stand for options, and are read as strictly."""

import pytest

CASES = [
    ("CBENCH_METHOD", "bas", "did you mean 'base'?"),
    ("CBENCH_METHOD", "../x", "unknown method '../x'"),
    ("CBENCH_SUITE", "colour", "did you mean 'colours'?"),
    ("CBENCH_TRACK", "nowhere.yaml", "No such file"),
    ("CBENCH_TRACK", "\x1b[31m", "unknown track"),
    ("CBENCH_OUT", "/dev/null", "cannot be written"),
    ("CBENCH_OUT", "/proc/x", "cannot be written"),
    ("CBENCH_DEBUG", "perhaps", "Invalid value for '--debug'"),
]


@pytest.mark.parametrize(("name", "value", "line"), CASES)
def test_variable(refused, home, monkeypatch, name, value, line):
    told = {"CBENCH_METHOD": "base", "CBENCH_SUITE": "colours", "CBENCH_TRACK": str(home / "tiny.yaml"), "CBENCH_OUT": str(home / "out")}
    for key, sound in (told | {name: value}).items():
        monkeypatch.setenv(key, sound)
    refused(["run"], line)


@pytest.mark.parametrize("verb", ["leaderboard", "figures", "check", "ls", "status", "logs", "clean", "verify"])
def test_results_folder(refused, monkeypatch, verb, tmp_path):
    monkeypatch.setenv("CBENCH_OUT", str(tmp_path / "nowhere"))
    (tmp_path / "b.json").write_text("{}")
    more = {"check": ["--baseline", tmp_path / "b.json"], "ls": ["runs"]}
    refused([verb, *more.get(verb, [])], "nowhere" if verb != "check" else "is not a baseline")


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

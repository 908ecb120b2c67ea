"""Odd surroundings: an ASCII terminal, no home folder, an interrupt at the first moment or twice."""

import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

build = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "leaderboard" / "records.py")))
ASCII = {
    "LANG": "C",
    "LC_ALL": "C",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}
NOBODY = "import pwd\ndef nobody(uid):\n    raise KeyError(uid)\npwd.getpwuid = nobody\n"
SLOW = """
import importlib.abc, sys, time

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "typer":
            print("importing", flush=True)
            time.sleep(30)

sys.meta_path.insert(0, Slow())
"""
TWICE = """
import os, signal, sys, time
from cbench import entry, cli

def work(words, debug=False):
    def run(*args, **more):
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
    cli.app = run
    return call(words, debug)

call, cli.call = cli.call, work
entry.main()
"""


def run(*words: str, **changes: str) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if k not in ("HOME", "LANG", "XDG_CACHE_HOME")}
    return subprocess.run(
        [sys.executable, *words], env=environment | changes, capture_output=True, text=True, timeout=120
    )


def test_an_ascii_terminal(tmp_path):
    build.write(tmp_path, [build.make_record(seed=seed, title="Né 語 ✓") for seed in (0, 5)])
    for words in (["leaderboard", str(tmp_path)], ["ls", "runs", "--results", str(tmp_path)], ["--help"]):
        done = run("-m", "cbench", *words, **ASCII)
        assert done.returncode == 0 and "Error" not in done.stderr, done.stderr
    assert "0.1" in run("-m", "cbench", "leaderboard", str(tmp_path), **ASCII).stdout
    done = run("-m", "cbench", "show", "né", "--results", str(tmp_path), **ASCII)
    assert (
        done.returncode == 2
        and done.stderr.startswith("cbench: unknown run")
        and done.stderr.count("\n") == 1
    )


def test_no_home_folder(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(NOBODY)
    done = run("-m", "cbench", "prepare", "--dry-run", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    for words in (["prepare", "--track", "sd15", "--dry-run"],):
        done = run("-m", "cbench", *words, PYTHONPATH=str(tmp_path))
        assert "unexpected" not in done.stderr and done.stderr.count("\n") <= 1, done.stderr
        if done.returncode:
            assert "this user has no home folder; name a folder with CBENCH_" in done.stderr


def test_an_interrupt_in_the_first_second(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
            "from cbench.entry import main; main()",
            "ls",
        ],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "importing\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (130, "cbench: interrupted; what is done is kept\n")


def test_two_interrupts_are_one_line():
    deaf = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    done = run("-c", deaf + TWICE, "ls")
    assert done.returncode == 130 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("cbench: interrupted; resume with: cbench ")


@pytest.mark.parametrize("code", ["import cbench", "import cbench.entry"])
def test_the_start_is_light(code):
    """What is imported before signals are handled."""
    heavy = "{'importlib.metadata', 'typer', 'rich', 'pydantic', 'email'} & (set(sys.modules) - before)"
    done = run("-c", f"import sys; before = set(sys.modules); {code}; print({heavy})")
    assert done.stdout == "set()\n", done.stdout + done.stderr

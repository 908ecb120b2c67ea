"""Repeats a whole `cbench run`, trainings included, with one operation below its results folder failing, then
again undisturbed. The words are a folder, the number of tries, a seed, and the words of the run, in which
RESULTS stands for the results folder. Prints one row a kind and error.

Each run is a fork of this process, which has imported everything."""

import ctypes
import errno
import importlib
import json
import os
import random
import runpy
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHARED = runpy.run_path(str(HERE / "injected.py"), run_name="injected")
KINDS, ERRORS = SHARED["KINDS"], SHARED["ERRORS"]
CONFTEST = runpy.run_path(str(HERE / "conftest.py"), run_name="conftest")
outcome = CONFTEST["outcome"]
inject = ctypes.CDLL(None)
NEVER = 10**9


def run(words: list[str], root: Path, log: Path, fault: tuple[str, int, int] | None = None) -> int:
    """The exit code of the run in a process of its own; with a `fault` (kind, error, number) that was never
    reached, 100 more."""
    child = os.fork()
    if child == 0:
        handle = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        from cbench.cli import call

        if fault:
            kind, error, number = fault
            inject.fault_arm(str(root).encode(), kind.encode(), number, error)
        code = call([str(root) if word == "RESULTS" else word for word in words])
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code + (100 if fault and not inject.fault_hits() else 0))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def operations(words: list[str], home: Path, kind: str) -> int:
    """How many operations of a kind an undisturbed run has."""
    child = os.fork()
    if child == 0:
        root, devnull = home / f"count-{kind}", os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        from cbench.cli import call

        inject.fault_arm(str(root).encode(), kind.encode(), NEVER, errno.EIO)
        call([str(root) if word == "RESULTS" else word for word in words])
        count = inject.fault_count()
        inject.fault_arm(b"", b"", 0, 0)
        (home / f"count-{kind}.txt").write_text(str(count))
        shutil.rmtree(root)
        os._exit(0)
    os.waitpid(child, 0)
    return int((home / f"count-{kind}.txt").read_text())


def is_one_line(output: str) -> bool:
    """Whether a command that failed said why in one line of its own, without a traceback or a fault of
    cbench."""
    lines = [line for line in output.splitlines() if line.startswith("cbench:")]
    return len(lines) == 1 and "Traceback" not in output and "fault of cbench" not in output


def main(home: Path, tries: int, seed: int, words: list[str]) -> None:
    dice, log = random.Random(seed), home / "log.txt"
    assert run(words, home / "whole", log) == 0, log.read_text()
    whole = outcome(home / "whole")
    rows = {(k, e): {"kind": k, "error": errno.errorcode[e], "tries": 0, "done": 0, "bad": []}
            for k in KINDS for e in ERRORS}  # fmt: skip
    counts = {kind: operations(words, home, kind) for kind in KINDS}
    for number in range(tries):
        kind, error = list(rows)[number % len(rows)]
        at, root = dice.randint(1, counts[kind]), home / f"out{number}"
        row, code = rows[kind, error], run(words, root, log, (kind, error, at))
        first = log.read_text()
        again = run(words, root, home / "again.txt")
        if code not in (0, 100) and not (code in (1, 2, 3) and is_one_line(first)):
            row["bad"].append([at, code, first[-2000:]])
        elif again != 0 or outcome(root) != whole:
            row["bad"].append([at, code, again, (home / "again.txt").read_text()[-2000:]])
        row["tries"] += code < 100
        row["done"] += code == 0
        shutil.rmtree(root)
    for (kind, _), row in rows.items():
        print(json.dumps(row | {"operations": counts[kind]}), flush=True)


if __name__ == "__main__":
    for module in CONFTEST["HEAVY"]:
        importlib.import_module(module)
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])

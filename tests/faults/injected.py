"""Runs the work of a results folder with every n-th operation of a kind failing, each time in a process of
its own, then again undisturbed: the words are the folder and the file of a record. Prints one row a kind and
error."""

import ctypes
import errno
import json
import os
import shutil
import sys
from pathlib import Path

from cbench.errors import CbenchError
from cbench.record.files import read_record
from cbench.results import Results
from cbench.store.lease import busy

KINDS = ("open", "read", "write", "fsync", "rename", "link", "mkdir", "unlink")
ERRORS = (errno.EIO, errno.EMFILE, errno.ENOSPC)
inject = ctypes.CDLL(None)


def work(root: Path, record: Path) -> None:
    """A run without its stages: the folder, the claim, three entries, one of them found again, the record."""
    results = Results(root)
    results.check()
    with results.working("some-run"):
        for key in ("a" * 32, "b" * 32, "a" * 32):
            results.store.remember(
                "images", key, lambda folder: (folder / "images.png").write_bytes(b"pixels")
            )
        results.write(read_record(record))
        assert results.records()


def outcome(root: Path) -> dict[str, bytes]:
    """All files, but for what a process that failed may leave: temporary files, and claims that hold nobody
    up."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and not path.name.startswith(".")
        and path.parents[1].name != "partial"
        and (path.parent.name != "claims" or busy(path))
    }


def failing(root: Path, record: Path, kind: str, error: int, number: int) -> int:
    """What became of the work in a process whose n-th operation fails: 0 done, 1 one line, 2 something else,
    9 the operation was not reached."""
    child = os.fork()
    if child == 0:
        inject.fault_arm(str(root).encode(), kind.encode(), number, error)
        code = 0
        try:
            work(root, record)
        except (CbenchError, OSError):
            code = 1
        except BaseException as other:
            print(f"{kind} {errno.errorcode[error]} {number}: {other!r}", file=sys.stderr)
            code = 2
        os._exit(code if inject.fault_hits() else 9)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(home: Path, record: Path) -> None:
    work(home / "whole", record)
    whole = outcome(home / "whole")
    for kind in KINDS:
        for error in ERRORS:
            row = {"kind": kind, "error": errno.errorcode[error], "tries": 0, "bad": []}
            for number in range(1, 1000):
                root = home / f"{kind}-{error}-{number}"
                finished = (number + ERRORS.index(error)) % 2
                if finished:
                    shutil.copytree(home / "whole", root)
                code = failing(root, record, kind, error, number)
                work(root, record)
                left = outcome(root)
                if code not in (0, 1, 9) or left != whole:
                    row["bad"].append([number, code, sorted(left.keys() ^ whole.keys())])
                row["tries"] += code != 9
                shutil.rmtree(root)
                if code == 9 and not finished:
                    break
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

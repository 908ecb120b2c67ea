"""The commit that a record names."""

import subprocess
from pathlib import Path

import pytest

from cbench.record import provenance

ROOT = Path(__file__).parents[2]


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True).stdout.strip()


@pytest.mark.skipif(not git(ROOT, "rev-parse", "HEAD"), reason="not a git checkout")
def test_a_checkout_is_named_by_its_commit() -> None:
    commit, dirty = provenance.commit_of.__wrapped__(ROOT / "bench" / "record")
    assert commit == git(ROOT, "rev-parse", "HEAD") and dirty is bool(git(ROOT, "status", "--porcelain"))


def test_another_repository_is_not_ours(tmp_path: Path) -> None:
    git(tmp_path, "init")
    assert provenance.commit_of.__wrapped__(tmp_path) == (None, None)

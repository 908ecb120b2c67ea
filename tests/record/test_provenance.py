"""The commit that a record names."""

import subprocess
from pathlib import Path

import pytest

from cbench.record import provenance
from cbench.record.files import read_record, split_seal
from cbench.record.record import Provenance

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


def origin(**more: object) -> Provenance:
    return Provenance(cbench="0.1.0", device="cpu (a)", **more)


def test_devices_are_named_only_if_they_are_others() -> None:
    here = provenance.device_name("cpu")
    assert provenance.provenance("cpu", "float32", "", {}, [here, ""]).devices == ()
    mixed = provenance.provenance("cpu", "float32", "", {}, [here, "cpu (zz)", "cpu (zz)"])
    assert mixed.devices == tuple(sorted([here, "cpu (zz)"]))
    assert provenance.provenance("cpu", "float32", "", {}, ["GPU"]).devices == ("GPU",)


def test_added_numbers_add_their_device() -> None:
    assert provenance.with_devices(origin(), ["cpu (a)"]).devices == ()
    added = provenance.with_devices(origin(), ["cpu (b)"])
    assert added.devices == ("cpu (a)", "cpu (b)")
    assert provenance.with_devices(added, ["cpu (c)"]).devices == ("cpu (a)", "cpu (b)", "cpu (c)")


def test_a_record_of_before_devices_were_named_stays_as_it_is() -> None:
    """Byte by byte: what is not set is not written."""
    assert "devices" not in origin().model_dump_json() and "optimizer" not in origin().model_dump_json()
    for path in sorted((ROOT / "leaderboard" / "records").glob("*.json")):
        text = path.read_text()
        body = split_seal(text.rstrip())[0]
        stored = read_record(path).provenance
        assert f'"provenance":{stored.model_dump_json()}' in body.replace("\n", ""), path

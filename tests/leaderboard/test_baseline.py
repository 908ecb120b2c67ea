"""The baseline file."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.errors import BadInput
from cbench.leaderboard import baseline, tolerance
from cbench.leaderboard.io import Stored


def stored(records: list) -> list[Stored]:
    return [Stored(Path(r.file_name), r) for r in records]


def test_all_tolerances_are_bounded(records: SimpleNamespace) -> None:
    for found in baseline.make(stored(records.grid())).tolerances:
        assert found.spread == "seeds"
        assert all(
            tolerance.FLOOR <= t <= tolerance.CELL_BOUND for row in (found.base, *found.rows) for t in row
        )
        assert all(tolerance.FLOOR <= t <= tolerance.bound_of(s) for s, t in found.summaries.items())


def test_round_trip(records: SimpleNamespace, tmp_path: Path) -> None:
    made = baseline.make(stored(records.grid()))
    path = tmp_path / "baseline.json"
    path.write_text(made.model_dump_json())
    assert baseline.read(path) == made


def test_the_order_of_the_records_has_no_part_in_it(records: SimpleNamespace) -> None:
    every = stored(records.grid())
    assert baseline.make(every) == baseline.make(every[::-1])


@pytest.mark.parametrize("other", [{"digest": "b" * 64}, {"track": "sdxl"}, {"suite_digest": "t" * 64}])
def test_several_protocols_are_refused(records: SimpleNamespace, other: dict) -> None:
    with pytest.raises(BadInput, match="a baseline covers one track"):
        baseline.make(stored([records.make_record(), records.make_record("magmax", **other)]))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "is not a baseline: Expecting"),
        ("[]", "is not a baseline; `cbench check --update` writes one"),
        ('{"schema_version": 1, "scores": {}}', "is not a baseline; `cbench check --update` writes one"),
        ('{"schema_version": 7, "tolerances": []}', "has schema 7, newer"),
        ('{"schema_version": 1, "tolerances": []}', "track: Field required"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(content)
    with pytest.raises(BadInput, match=complaint):
        baseline.read(path)


def test_nan_and_absence(records: SimpleNamespace, tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    with pytest.raises(BadInput, match="No such file"):
        baseline.read(path)
    data = json.loads(baseline.make(stored([records.make_record()])).model_dump_json())
    data["runs"][0]["scores"]["mini_dino"]["rows"][0][0] = None
    path.write_text(json.dumps(data))
    with pytest.raises(BadInput, match=r"runs\.0\.scores\.mini_dino\.rows\.0\.0"):
        baseline.read(path)

"""Records as text: what is written is read, and a record of every schema that ever was is still read."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.record import files as records
from cbench.record.files import SCHEMA, parse_record, read_record
from cbench.record.record import MethodRef, Record, TrackRef, file_name
from cbench.results import Results
from cbench.scale import COSINE

KEPT = sorted((Path(__file__).parent / "records").glob("schema-*.json"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_every_schema_is_still_read(path):
    record = read_record(path)
    assert record.schema_version == SCHEMA and record.complete and record.learned == 3
    assert record.method.label == "ortho_init(exact=true)" and record.scores["colour"].rows[2][2] == 0.875
    assert parse_record(record.model_dump_json(), "again") == record


def test_a_fixture_of_every_schema_is_kept():
    assert [path.stem for path in KEPT] == [f"schema-{n}" for n in range(1, SCHEMA + 1)]


def test_schema_1_knew_cosines_alone():
    record = read_record(KEPT[0])
    assert {scores.scale for scores in record.scores.values()} == {COSINE} and record.provenance.metrics == {}
    assert json.loads(record.model_dump_json())["scores"]["colour"]["scale"]["better"] == "higher"


def test_schema_2_says_what_a_number_means():
    record = read_record(KEPT[1])
    kid = record.scores["kid"]
    assert (kid.scale.unit, kid.scale.better, kid.scale.low) == ("MMD² x 1000", "lower", None)
    assert kid.rows[2][2] == -0.25 and record.provenance.metrics["kid"] == "5a" * 16


def test_older_records_are_lifted_step_by_step(monkeypatch):
    fields = json.loads(KEPT[-1].read_text()) | {"schema_version": SCHEMA - 2}
    del fields["seed"]
    steps = {
        SCHEMA - 2: lambda d: d | {"seed": 7},
        SCHEMA - 1: lambda d: d | {"seed": d["seed"] + 1, "schema_version": SCHEMA},
    }
    monkeypatch.setattr(records, "MIGRATIONS", steps)
    assert parse_record(json.dumps(fields), "old").seed == 8


def test_newer_records_are_refused():
    fields = json.loads(KEPT[-1].read_text()) | {"schema_version": SCHEMA + 1}
    with pytest.raises(BadInput, match="newer than this cbench reads"):
        parse_record(json.dumps(fields), "new")


@settings(deadline=None)  # a machine that works on something else is no failure
@given(st.text(min_size=1, max_size=300), st.text(max_size=300))
def test_file_name_is_never_a_path(key, value):
    method = MethodRef(name="m", title="M", version=1, regime="strict", options={key: value})
    name = file_name(TrackRef(name="t", version=1, digest="d"), "s", method, 0, 0)
    assert (
        Path(name).name == name
        and len(name.encode()) < 255
        and not name.startswith(".")
        and name.isprintable()
    )


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"note": "a b"}, {"note": "a_b"}),
        ({"note": "a/b"}, {"note": "a\\b"}),
        ({"note": "1,other=2"}, {"note": "1", "other": "2"}),
        ({"note": "x" * 300}, {"note": "x" * 301}),
        ({}, {"exact": True}),
    ],
)
def test_other_options_other_file(one, two):
    """A name that two methods share would let the second run find the first one's record."""
    refs = [
        MethodRef(name="m", title="M", version=1, regime="strict", options=options) for options in (one, two)
    ]
    assert len({file_name(TrackRef(name="t", version=1, digest="d"), "s", ref, 0, 0) for ref in refs}) == 2


def test_plain_options_are_told_in_the_name():
    ref = MethodRef(
        name="m", title="M", version=1, regime="strict", options={"exact": True, "share": 0.5, "kind": "svd"}
    )
    assert (
        file_name(TrackRef(name="t", version=1, digest="d"), "s", ref, 5, 0)
        == "t-s-m(exact=true,kind=svd,share=0.5)-o5-s0.json"
    )


def test_read_all_wants_records(tmp_path):
    with pytest.raises(BadInput, match="no records in"):
        Results(tmp_path).records()
    record = read_record(KEPT[-1])
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / record.file_name).write_text(record.model_dump_json())
    assert Results(tmp_path).records() == [record] and isinstance(record, Record)

"""Every parser takes anything: it gives a value, or BadInput of one printable line."""

import copy
import json
import unicodedata
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cbench.datasets import folder
from cbench.errors import BadInput
from cbench.jobs.job import read_job
from cbench.jobs.profile import open_profile
from cbench.leaderboard import baseline
from cbench.record.files import parse_record
from cbench.record.record import Record
from cbench.track import Track
from cbench.track import parse as parse_track

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["../x", "\x1b[31m", "a" * 300, 10**40])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(value: object, way: tuple = ()) -> list[tuple]:
    """Every place in a nested value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(found for key, part in inner for found in places(part, (*way, key)))]


def changed(data: st.DataObject, sound: object) -> object:
    """The sound value with one to three places replaced by anything."""
    value = copy.deepcopy(sound)
    for _ in range(data.draw(st.integers(1, 3))):
        way = data.draw(st.sampled_from(places(value)))
        if not way:
            return data.draw(VALUES)
        inner = value
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = data.draw(VALUES)
    return value


def holds(call, *arguments) -> object:
    """The parsed value; None where BadInput was raised as it should be."""
    try:
        return call(*arguments)
    except BadInput as error:
        line = str(error)
        assert line and "\n" not in line and not any(unicodedata.category(c) == "Cc" for c in line), repr(
            line
        )
        return None


@QUICK
@given(st.data())
def test_track(tmp_path, hostile, data):
    path = tmp_path / "t.yaml"
    path.write_text(yaml.safe_dump(changed(data, hostile.track)), encoding="utf-8", errors="replace")
    found = holds(parse_track, path)
    assert found is None or (isinstance(found, Track) and found.digest)


@QUICK
@given(st.data())
def test_stream(tmp_path, hostile, data):
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump(changed(data, hostile.stream)), encoding="utf-8", errors="replace")
    holds(folder.load, {"path": str(path)}, tmp_path)


@QUICK
@given(st.data())
def test_record(hostile, data):
    found = holds(parse_record, json.dumps(changed(data, hostile.record)), "somewhere")
    assert found is None or (
        isinstance(found, Record)
        and Path(found.file_name).name == found.file_name
        and parse_record(found.model_dump_json(), "") == found
    )


@QUICK
@given(st.data())
def test_baseline(tmp_path, sound_baseline, data):
    path = tmp_path / "fuzzed.json"
    path.write_text(json.dumps(changed(data, sound_baseline)))
    holds(baseline.read, path)


@QUICK
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_bytes(tmp_path, raw):
    path = tmp_path / "raw"
    path.write_bytes(raw)
    for call in (parse_track, folder.parse, baseline.read, read_job, lambda place: open_profile(place, {})):
        holds(call, path)
    holds(parse_record, raw.decode("utf-8", "replace"), "somewhere")


@pytest.fixture
def sound_baseline(cli, hostile, tmp_path):
    results = hostile.build.write(
        tmp_path / "results", [hostile.build.make_record(tasks=2, metrics=("mini_dino",))]
    )
    assert cli("check", results, "--baseline", tmp_path / "b.json", "--update")[0] == 0
    return json.loads((tmp_path / "b.json").read_text())

"""What is sealed is read as it was; what was changed afterwards is noticed."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbench.errors import BadInput
from cbench.record.files import add_seal, parse_record, read_record, record_text, split_seal
from cbench.record.record import MethodSource

OBJECTS = st.dictionaries(st.text(min_size=1), st.integers() | st.text(), min_size=1)


@given(OBJECTS, st.sampled_from([None, 1]))
def test_round_trip(value, indent):
    text = json.dumps(value, indent=indent)
    assert split_seal(add_seal(text)) == (text, True)
    assert json.loads(add_seal(text)).keys() >= value.keys()


@given(OBJECTS, st.data())
def test_any_change_is_noticed(value, data):
    text = add_seal(json.dumps(value))
    place = data.draw(st.integers(text.index(",") + 1, len(text) - 1))
    other = data.draw(st.characters().filter(lambda c: c != text[place]))
    assert not split_seal(text[:place] + other + text[place + 1 :])[1]


def test_what_was_never_sealed_is_as_it_is():
    assert split_seal('{"a": 1}') == ('{"a": 1}', True) and split_seal("") == ("", True)


def test_a_record_edited_by_hand_is_one_line(cli, track_file, tmp_path):
    assert (
        cli("run", "--method", "base", "--suite", "colours", "--track", track_file, "--results", tmp_path)[0]
        == 0
    )
    path = next((tmp_path / "records").iterdir())
    data = json.loads(path.read_text())
    data["scores"]["colour"]["rows"][1][0] = 0.125
    path.write_text(json.dumps(data, indent=1))
    for words in (
        ("leaderboard", tmp_path),
        ("show", path),
        ("run", "--method", "base", "--suite", "colours", "--track", track_file, "--results", tmp_path),
    ):
        code, _, error = cli(*words)
        assert code == 2 and "was changed after cbench wrote it" in error
    code, output, _ = cli("verify", "--results", tmp_path)
    assert code != 0 and "was changed after cbench wrote it" in output


@pytest.mark.parametrize("text", ['{"seal":"', '{"seal":"",}', '{"seal":"00","a":1}'])
def test_broken_seals(text):
    assert split_seal(text)[1] is (text == '{"seal":"')


def test_a_record_of_this_version_without_a_seal_is_refused():
    """It names its code, which only a cbench that seals writes; older ones stay readable."""
    record = read_record(sorted((Path(__file__).parent / "records").glob("*.json"))[-1])
    assert parse_record(record.model_dump_json(), "old.json") == record
    new = record.model_copy(update={"source": MethodSource(package="p", version="1", code="c")})
    assert parse_record(record_text(new), "new.json") == new
    with pytest.raises(BadInput, match=r"new\.json has no seal, which this cbench writes"):
        parse_record(new.model_dump_json(), "new.json")

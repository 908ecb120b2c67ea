"""Baselines: fields, and files that are none; the file is never written over."""

import json

import pytest

FIELDS = [
    *[("schema_version", v, "is not a baseline") for v in (None, "1", True, [])],
    ("schema_version", 3, "newer than this cbench reads"),
    ("schema_version", 0, "schema_version"),
    ("track", None, "track"),
    ("track/name", "../up", "may have"),
    ("track/digest", 1, "valid string"),
    ("runs", [], "at least 1 item"),
    ("runs", None, "valid array"),
    ("runs/0/suite", "a/b", "may have"),
    ("runs/0/version", "x", "valid integer"),
    ("runs/0/scores", [], "should be an object"),
    ("runs/0/scores/mini_dino/rows", [[0.1, 0.2]], "row i of a score matrix"),
    ("runs/0/scores/mini_dino/base", [float("nan")], "finite number"),
    ("runs/0/summaries", None, "should be an object"),
    ("runs/0/tasks", ["../x"], "may have"),
    ("runs/0/scores", {}, "at least 1 item"),
    *[
        ("runs/0/summaries", v, "summaries and scores name different metrics")
        for v in ({}, {"mini_dino": {}})
    ],
    ("runs/0/summaries/mini_dino", {"plasticity": 0.5}, "the summaries lack average_score"),
    ("tolerances/0/rows", [[0.1, 0.1]], "row i of the tolerances"),
    ("tolerances", None, "valid array"),
    ("tolerances/0/spread", "wide", "Input should be 'seeds'"),
    ("tolerances/0/base", ["x"], "valid number"),
    ("tolerances/0/base", [float("inf")], "finite number"),
    ("tolerances/0/more", 1, "Extra inputs"),
    ("more", 1, "Extra inputs"),
]
FILES = [
    (b"", "is not a baseline"),
    (b"{}", "is not a baseline"),
    (b"[]", "is not a baseline"),
    (b'{"schema_version": 1}', "is not a baseline"),
    (b'{"schema_version": 1, "tolerances": []}', "Field required"),
    (b"[" * 200_000, "is not a baseline"),
    (b"\xff\xfe\0", "is not text"),
    (b"\x80\x04", "is not text"),
    (b"# words", "is not a baseline"),
]


@pytest.fixture
def results(hostile, tmp_path):
    return hostile.build.write(tmp_path / "results", [hostile.build.make_record()])


@pytest.fixture
def baseline(cli, results, tmp_path):
    assert cli("check", results, "--baseline", tmp_path / "b.json", "--update")[0] == 0
    return tmp_path / "b.json"


@pytest.mark.parametrize(("place", "value", "line"), FIELDS)
def test_field(hostile, refused, results, baseline, place, value, line):
    baseline.write_text(json.dumps(hostile.put(json.loads(baseline.read_text()), place, value)))
    refused(["check", results, "--baseline", baseline], line)


def test_a_run_twice(refused, results, baseline):
    data = json.loads(baseline.read_text())
    baseline.write_text(json.dumps(data | {"runs": 2 * data["runs"]}))
    refused(["check", results, "--baseline", baseline], "duplicate run")


@pytest.mark.parametrize(("data", "line"), FILES)
def test_file(refused, results, baseline, data, line):
    baseline.write_bytes(data)
    refused(["check", results, "--baseline", baseline], line)
    refused(["check", results, "--baseline", baseline, "--update"], line)
    assert baseline.read_bytes() == data

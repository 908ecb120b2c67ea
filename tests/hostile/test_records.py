"""Records: every field with what it must not hold, files that are no records, and names that would leave the
folder."""

import json
import os

import pytest

from cbench.results import Results

INT, TEXT, REAL, NAME, TUPLE = "valid integer", "valid string", "valid number", "may have", "valid array"
SCORE = "scores/mini_dino"
FIELDS = [
    *[("schema_version", v, "has no schema_version") for v in (None, "1", 1.0, True, [])],
    ("schema_version", 3, "newer than this cbench reads"),
    ("schema_version", 10**30, "newer than this cbench reads"),
    ("schema_version", 0, "which no version of cbench wrote"),
    ("schema_version", -7, "which no version of cbench wrote"),
    *[("track/name", v, NAME) for v in ("", "../../up", "a/b", ".x", "a b", "a\x1b[0m", "a\nb")],
    ("track/name", None, TEXT),
    ("track/version", "one", INT),
    ("track/version", None, INT),
    ("track/digest", 5, TEXT),
    ("track", None, "track"),
    ("track/more", 1, "Extra inputs"),
    *[("suite", v, NAME) for v in ("", "../up", "x/y")],
    ("suite", "x" * 81, "80 characters"),
    ("suite_digest", None, TEXT),
    *[("method/name", v, NAME) for v in ("", "../up", "a/b", "<b>", "a|b", "`a`")],
    ("method/title", None, TEXT),
    ("method/version", "x", INT),
    ("method/regime", "free", "Input should be 'strict'"),
    ("method/options", [], "should be an object"),
    ("method/options", {"a": None}, "method.options"),
    ("method/options", {"a": [1]}, "method.options"),
    ("method/options", {"a": {"b": 1}}, "method.options"),
    ("order", "x", INT),
    ("order", None, INT),
    ("order", 1.5, INT),
    ("seed", [], INT),
    ("tasks", [], "at least 1 item"),
    ("tasks", None, TUPLE),
    ("tasks", ["../a", "b", "c", "d"], NAME),
    ("tasks", ["a", "a", "c", "d"], "duplicate task"),
    ("tasks", ["a"], "larger than the list of tasks"),
    ("scores", {}, "at least 1 item"),
    ("scores", None, "should be an object"),
    ("scores", {"../m": {"base": [], "rows": []}}, NAME),
    (f"{SCORE}/base", None, TUPLE),
    (f"{SCORE}/base", ["high"], REAL),
    (f"{SCORE}/base", [None], REAL),
    (f"{SCORE}/base", [float("nan")], "finite number"),
    (f"{SCORE}/base", [float("inf")], "finite number"),
    (f"{SCORE}/base", [0.1] * 5, "larger than the list of tasks"),
    (f"{SCORE}/rows", [[0.1, 0.2]], "row i of a score matrix must hold i + 1 numbers"),
    (f"{SCORE}/rows", [[]], "row i of a score matrix must hold i + 1 numbers"),
    (f"{SCORE}/rows", [[None]], REAL),
    (f"{SCORE}/rows", [[float("-inf")]], "finite number"),
    *[(f"{SCORE}/rows", [[v]], REAL) for v in ("x", "0.5", True)],
    *[(f"{SCORE}/rows", [[v]], "less than or equal to 1.001") for v in (1.1, 47)],
    (f"{SCORE}/rows", [[1e308]], "less than or equal to 1000000000000"),
    (f"{SCORE}/base", [-1.1], "greater than or equal to -1.001"),
    (f"{SCORE}/base", [-1e308], "greater than or equal to -1000000000000"),
    (f"{SCORE}/rows", {"0": [1]}, TUPLE),
    (f"{SCORE}/more", 1, "Extra inputs"),
    (f"{SCORE}/scale", None, "should be an object"),
    (f"{SCORE}/scale/better", "more", "Input should be 'higher' or 'lower'"),
    (f"{SCORE}/scale/unit", "", "at least 1 character"),
    (f"{SCORE}/scale/unit", "\x1b[31m", "printable characters"),
    (f"{SCORE}/scale/unit", "x" * 61, "at most 60 characters"),
    (f"{SCORE}/scale/low", 2, "must be less than high"),
    (f"{SCORE}/scale/high", "1", REAL),
    (f"{SCORE}/scale/low", float("nan"), "finite number"),
    ("costs/train_seconds", "long", REAL),
    ("costs/train_seconds", float("nan"), "finite number"),
    ("costs/train_seconds", None, REAL),
    ("costs/train_seconds", -1, "greater than or equal to 0"),
    ("costs/train_seconds", 1e308, "less than or equal to"),
    ("costs/peak_memory_bytes", 10**400, "less than"),
    ("costs/disk_bytes", -1, "greater than or equal to 0"),
    ("costs/disk_bytes", 1.5, INT),
    ("costs/more", 1, "Extra inputs"),
    ("provenance", None, "provenance"),
    ("provenance/cbench", None, TEXT),
    ("provenance/dirty", "perhaps", "valid boolean"),
    ("provenance/packages", [1], "should be an object"),
    ("provenance/threads", "all", INT),
    *[
        ("kept/adapters", [v], "should match pattern")
        for v in ("", "../../../etc", "/etc/passwd", "a" * 31, "A" * 32, "a" * 32 + "\n", "..")
    ],
    ("kept/adapters", [1], TEXT),
    ("kept/base_images", ["../x"], "should match pattern"),
    ("kept/images", [["../x"]], "should match pattern"),
    ("kept/images", "abc", TUPLE),
    ("kept/more", 1, "Extra inputs"),
    ("more", 1, "Extra inputs"),
]
FILES = [
    (b"", "is not a record"),
    (b"{", "is not a record"),
    (b"null", "has no schema_version"),
    (b"[]", "has no schema_version"),
    (b"1", "has no schema_version"),
    (b'"text"', "has no schema_version"),
    (b"{}", "has no schema_version"),
    (b'{"schema_version": 1}', "Field required"),
    (b"[" * 200_000, "is not a record"),
    (b'{"schema_version": ' + b"9" * 5000 + b"}", "is not a record"),
    (b"\xff\xfe", "is not text"),
    (b"\x80\x04\x95\x10\x00", "is not text"),
    (b"PK\x03\x04", "is not a record"),
    (b"\0" * 100, "is not a record"),
]


@pytest.fixture
def record_file(tmp_path):
    (tmp_path / "out" / "records").mkdir(parents=True)
    return tmp_path / "out" / "records" / "mini-objects-naive-o0-s0.json"


@pytest.mark.parametrize(("place", "value", "line"), FIELDS)
def test_field(record_file, hostile, refused, place, value, line):
    record_file.write_text(json.dumps(hostile.put(hostile.record, place, value)))
    refused(["show", record_file], line)


@pytest.mark.parametrize(
    "verb",
    [
        ["ls", "runs", "--results"],
        ["leaderboard"],
        ["figures", "-o", "unused"],
        ["clean", "--results"],
        ["score", "--metric=m", "--results"],
    ],
)
@pytest.mark.parametrize(("place", "value", "line"), [FIELDS[9], FIELDS[-8]])
def test_every_verb_names_it(record_file, hostile, refused, home, verb, place, value, line):
    record_file.write_text(json.dumps(hostile.put(hostile.record, place, value)))
    (record_file.parents[1] / "store").mkdir()
    more = ["--track", home / "tiny.yaml"] if verb[0] == "score" else []
    assert record_file.name in refused([*verb, record_file.parents[1], *more], line)


@pytest.mark.parametrize(("data", "line"), FILES)
def test_file(record_file, refused, data, line):
    record_file.write_bytes(data)
    refused(["show", record_file], line)


def test_a_key_never_moves_a_folder(record_file, hostile, refused, home, tmp_path):
    """Were the key a path, its folder would count as damaged and be moved."""
    precious = tmp_path / "out" / "store" / "images" / ".." / ".." / ".." / "precious"
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "a").write_text("mine")
    record_file.write_text(json.dumps(hostile.put(hostile.record, "kept/images", [["../../../precious"]])))
    refused(
        ["score", "--metric", "m", "--track", home / "tiny.yaml", "--results", tmp_path / "out"],
        "should match pattern",
    )
    assert (
        (precious.resolve() / "a").read_text() == "mine"
        if precious.exists()
        else (tmp_path / "precious" / "a").read_text() == "mine"
    )


def test_long_names_stay_below_the_limit_of_file_systems(hostile):
    long = hostile.build.make_record("m" * 80, track="t" * 80, suite="s" * 80, options={"a": "../" * 500})
    assert len(long.file_name.encode()) < 255 and "/" not in long.file_name
    wide = hostile.build.make_record("é" * 80, track="語" * 80, suite="s" * 80)
    assert len(wide.file_name.encode()) < 255


@pytest.mark.parametrize(
    "verb", [["ls", "runs", "--results"], ["leaderboard"], ["verify", "--results"], ["status", "--results"]]
)
def test_a_fifo_hangs_nobody(tmp_path, refused, cli, verb):
    for place in ("records", "jobs"):
        (tmp_path / "out" / place).mkdir(parents=True)
        os.mkfifo(tmp_path / "out" / place / "a.json")
    if verb[0] == "verify":
        assert "is a FIFO" in cli(*verb, tmp_path / "out")[1]
    else:
        refused([*verb, tmp_path / "out"], "a.json: is a FIFO, no file; move it away")


def test_a_fifo_among_the_records_does_not_stop_the_look_at_the_folder(tmp_path):
    (tmp_path / "records").mkdir()
    os.mkfifo(tmp_path / "records" / "a.json")
    Results(tmp_path).check()

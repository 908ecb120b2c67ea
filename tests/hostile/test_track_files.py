"""Track files: every field with what it must not hold, and files that are no tracks."""

from pathlib import Path

import pytest
import yaml

INT, WHOLE, REAL, TEXT = "valid integer", "fractional part", "valid number", "valid string"
FROM_1, ABOVE_0, FROM_0, FINITE = (
    "greater than or equal to 1",
    "greater than 0",
    "greater than or equal to 0",
    "finite number",
)
MISSING, EXTRA, NAME, LIST, MAPPING = (
    "Field required",
    "Extra inputs",
    "may have",
    "valid tuple",
    "valid dictionary",
)
NAN, INF = float("nan"), float("inf")
ABSENT = None


def rows(place: str, **told: list) -> list[tuple]:
    """(place, value, line) for values by the line that they must give."""
    lines = {
        "int": INT,
        "whole": WHOLE,
        "real": REAL,
        "text": TEXT,
        "from_1": FROM_1,
        "above_0": ABOVE_0,
        "from_0": FROM_0,
        "finite": FINITE,
    }
    lines |= {"name": NAME, "list": LIST, "mapping": MAPPING}
    return [(place, value, lines[kind]) for kind, values in told.items() for value in values]


COUNTS = [f"training/{n}" for n in ("rank", "steps", "batch")] + [
    f"sampling/{n}" for n in ("steps", "images_per_prompt", "batch")
]
FIELDS = [
    *rows(
        "name",
        name=["", "../up", "a/b", ".hidden", "two words", "a\x1b[31m", "a\nb", "a;rm"],
        text=[5, None, ["a"], True],
    ),
    ("name", "x" * 81, "80 characters"),
    *rows("version", int=["one", None, [1]], whole=[1.5], from_1=[0, -3]),
    *rows("summary", text=[3, None, ["words"]]),
    ("backbone", None, "valid dictionary or instance"),
    ("backbone", "folder", "valid dictionary or instance"),
    ("backbone/weights", "x", EXTRA),
    *rows("backbone/path", text=[1, None, {}]),
    *rows("backbone/revision", text=[1, []]),
    *rows("backbone/digest", text=[1, {}]),
    ("backbone/dtype", "int8", "Input should be 'float32'"),
    ("backbone/dtype", None, "Input should be 'float32'"),
    ("backbone/resolution", 0, "greater than or equal to 8"),
    ("backbone/resolution", -64, "greater than or equal to 8"),
    ("backbone/resolution", 63, "multiple of 8"),
    ("backbone/resolution", 10**9, "less than or equal to 8192"),
    *rows("backbone/resolution", int=["big", None, [64]], whole=[64.5]),
    *[row for place in COUNTS for row in rows(place, int=["many", None], whole=[2.5], from_1=[0, -1])],
    *rows("training/learning_rate", above_0=[0, -1], finite=[NAN, INF], real=["fast", None]),
    *rows("training/weight_decay", from_0=[-0.1], finite=[NAN, INF], real=["x"]),
    *rows("training/max_grad_norm", above_0=[0, -1], finite=[INF], real=[[]]),
    *rows("training/layers", list=["to_q", None, 5], text=[[1]]),
    *rows("training/inside", list=["attn2"]),
    ("training/flip", "perhaps", "valid boolean"),
    ("training/flip", 2, "valid boolean"),
    ("training/ranks", 4, EXTRA),
    ("training", [], "valid dictionary or instance"),
    ("training/prior", 1, "valid dictionary or instance"),
    ("training/prior", {}, MISSING),
    ("training/prior", {"prompts": ["a"], "images_per_prompt": 0, "batch": 1, "weight": 1}, FROM_1),
    ("training/prior", {"prompts": ["a"], "images_per_prompt": 1, "batch": 1, "weight": 0}, ABOVE_0),
    ("training/prior", {"prompts": "a", "images_per_prompt": 1, "batch": 1, "weight": 1}, LIST),
    *rows("sampling/guidance", from_0=[-1], finite=[NAN, INF], real=["much"]),
    ("sampling/guidance_rescale", 1.1, "less than or equal to 1"),
    ("sampling/guidance_rescale", -0.1, FROM_0),
    *rows("sampling/scheduler", text=[1, None]),
    *rows("sampling/noise_seed", int=["x"], whole=[1.5]),
    ("sampling/eta", 0, EXTRA),
    *rows("suites", mapping=[None, [], "colours"]),
    ("suites", {}, "at least 1 item"),
    ("suites", {"a/b": {"dataset": "folder", "metrics": ["m"]}}, NAME),
    ("suites", {"": {"dataset": "folder", "metrics": ["m"]}}, NAME),
    ("suites/colours", None, "valid dictionary or instance"),
    ("suites/colours", {}, MISSING),
    *rows("suites/colours/dataset", text=[None, 1]),
    *rows("suites/colours/options", mapping=[[1], "path"]),
    ("suites/colours/options", {"path": NAN}, "not JSON compliant"),
    *rows("suites/colours/metrics", list=["colour", None], text=[[1]], name=[["../x"], [""]]),
    ("suites/colours/metrics", [], "at least 1 item"),
    ("suites/colours/metrics", ["colour", "colour"], "has duplicates"),
    ("suites/colours/metric", ["colour"], EXTRA),
    *[
        row
        for place in ("orders", "seeds")
        for row in rows(place, list=["0", None, 0], int=[["x"], [None]], whole=[[0.5]])
    ],
    ("orders", [], "at least 1 item"),
    ("seeds", [], "at least 1 item"),
    ("orders", [0, 0], "has duplicates"),
    ("seeds", [5, 5], "has duplicates"),
    ("colour", "red", EXTRA),
]
NEEDED = ["name", "version", "summary", "backbone", "training", "sampling", "suites", "orders", "seeds"]
NEEDED += [
    "backbone/path",
    "backbone/resolution",
    "training/rank",
    "training/steps",
    "sampling/scheduler",
    "suites/colours/dataset",
]
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [{','.join(f'*{a}' for _ in range(10))}]\n"
    for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
BOOLEAN = (True, False)
TEXTS = ("8", "1_0", "yes")
FIELDS += [
    *[(place, value, INT) for place in COUNTS for value in (*BOOLEAN, *TEXTS)],
    *[(f"training/{name}", True, REAL) for name in ("learning_rate", "weight_decay", "max_grad_norm")],
    *[(place, [value], INT) for place in ("orders", "seeds") for value in (True, "0")],
    ("version", True, INT),
    ("backbone/resolution", True, INT),
    ("sampling/noise_seed", False, INT),
    ("sampling/guidance", True, REAL),
    ("suites/colours/training", {"rank": True}, INT),
]
WRITTEN = [
    ("rank: yes", INT),
    ("rank: on", INT),
    ("rank: true", INT),
    ("rank: 1:30", INT),
    ("rank: 0o10", INT),
    ("rank: 0x10", INT),
    ("rank: 1_0", INT),
    ("rank: 0b11", INT),
    ("rank: 2001-01-01", INT),
    ("learning_rate: 1:30.5", REAL),
    ("learning_rate: off", REAL),
    ("flip: maybe", "valid boolean"),
]
FILES = [
    (b"", "top level: Input should be a valid dictionary"),
    (b"[1, 2]", "top level: Input should be a valid dictionary"),
    (b"just words", "top level: Input should be a valid dictionary"),
    (b"name: [", "is not YAML"),
    (b"a: b: c", "is not YAML"),
    (b"\tname: x", "is not YAML"),
    (b"%PDF-1.4", "is not YAML"),
    (b"name: x\n---\nname: y", "is not YAML"),
    (b"name: x\nname: y", "duplicate key 'name'"),
    (b"training:\n  rank: 1\n  rank: 2", "duplicate key 'rank'"),
    (b"a: *nowhere", "is not YAML"),
    (b"a: &a [*a]", "values after its aliases are expanded"),
    (BOMB.encode(), "values after its aliases are expanded"),
    (b"a: " + b"[" * 5000, "nested too deeply"),
    (b"a: " + b"9" * 5000, "is not YAML"),
    (b"a: !!python/object/apply:os.system ['true']", "is not YAML"),
    (b"a: !!python/name:os.system", "is not YAML"),
    (b"? [1, 2]\n: x", "is not YAML"),
    (b"name: x\n1: 2\n01: 3", "duplicate key '1'"),
    (b"name: x\ntrue: 2\nTrue: 3", "duplicate key 'True'"),
    (b"\xff\xfe\x00\x00", "is not text"),
    (b"name: \x00", "is not YAML"),
    (b"name: \x1b[31m", "is not YAML"),
    (b"\x80abc", "is not text"),
    (b"1: 2", "track file"),
]


@pytest.mark.parametrize(("place", "value", "line"), FIELDS)
def test_field(home, hostile, run_words, refused, place, value, line):
    (home / "tiny.yaml").write_text(yaml.safe_dump(hostile.put(hostile.track, place, value)))
    error = refused(run_words(), line)
    assert "tiny.yaml" in error
    assert not list(home.rglob("records/*")) and not (home.parent / "up").exists()


@pytest.mark.parametrize(("text", "line"), WRITTEN)
def test_scalar_as_written(home, run_words, refused, text, line):
    """Text that YAML 1.1 would read as a number."""
    name = text.split(":")[0]
    lines = (home / "tiny.yaml").read_text().splitlines()
    kept = [one for one in lines if not one.strip().startswith(f"{name}:")]
    kept.insert(kept.index("training:") + 1, f"  {text}")
    (home / "tiny.yaml").write_text("\n".join(kept))
    refused(run_words(), line)


@pytest.mark.parametrize("place", NEEDED)
def test_missing_field(home, hostile, run_words, refused, place):
    values = hostile.put(hostile.track, place, None)
    *way, last = place.split("/")
    inner = values
    for part in way:
        inner = inner[part]
    del inner[last]
    (home / "tiny.yaml").write_text(yaml.safe_dump(values))
    assert place.replace("/", ".") in refused(run_words(), MISSING)


@pytest.mark.parametrize(("data", "line"), FILES)
def test_file(home, run_words, refused, data, line):
    (home / "tiny.yaml").write_bytes(data)
    assert "tiny.yaml" in refused(run_words(), line)


def test_file_that_is_a_folder(home, refused, run_words):
    (home / "tiny.yaml").unlink()
    (home / "tiny.yaml").mkdir()
    refused(run_words(), "Is a directory")


def test_file_that_is_too_large(home, refused, run_words):
    with (home / "tiny.yaml").open("r+b") as file:
        file.truncate(2**26 + 1)
    refused(run_words(), "larger than 64 MB")


@pytest.mark.parametrize("name", ["nowhere.yaml", "a\0b.yaml", "x" * 300 + ".yaml", "dir/nowhere.yml"])
def test_no_file(refused, name):
    refused(
        ["run", "--method", "base", "--suite", "colours", "--track", name, "--results", Path("unused")],
        "track file",
    )

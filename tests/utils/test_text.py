import math

import pytest

from cbench.utils.text import read_yaml

PLAIN = {
    "yes": "yes",
    "no": "no",
    "on": "on",
    "off": "off",
    "y": "y",
    "true": True,
    "False": False,
    "TRUE": True,
    "tRUE": "tRUE",
    "010": 10,
    "-07": -7,
    "+5": 5,
    "0o10": "0o10",
    "0x1F": "0x1F",
    "0b11": "0b11",
    "1_000": "1_000",
    "1:30": "1:30",
    "1:30.5": "1:30.5",
    "1e-3": 0.001,
    "1.0e-3": 0.001,
    "2.": 2.0,
    ".5": 0.5,
    "6E2": 600.0,
    "-.inf": -math.inf,
    "2024-01-02": "2024-01-02",
    "2024-01-02 03:04:05": "2024-01-02 03:04:05",
    "=": "=",
    "null": None,
    "~": None,
    "": None,
    "nULL": "nULL",
    "1.2.3": "1.2.3",
    '"8"': "8",
}


@pytest.mark.parametrize("text", PLAIN)
def test_plain_scalars_are_those_of_yaml_1_2(tmp_path, text):
    (tmp_path / "a.yaml").write_text(f"a: {text}\nb: [{text or 'null'}]\n")
    values, wanted = read_yaml(tmp_path / "a.yaml", "file"), PLAIN[text]
    assert values == {"a": wanted, "b": [wanted]}
    assert type(values["a"]) is type(wanted)


def test_names_that_yaml_1_1_takes_for_booleans_are_keys(tmp_path):
    (tmp_path / "a.yaml").write_text("on: 1\nno: 2\nbase: &b {x: 1}\nmore: {<<: *b, y: 2}\nnan: .nan\n")
    values = read_yaml(tmp_path / "a.yaml", "file")
    assert list(values) == ["on", "no", "base", "more", "nan"] and values["more"] == {"x": 1, "y": 2}
    assert math.isnan(values["nan"])

"""Methods that are not installed, and what an author may do wrong."""

import json
import os

import pytest

from cbench.errors import BadInput
from cbench.plugins import registry
from cbench.plugins.methods import make_method
from cbench.plugins.source import source_of
from cbench.record.files import read_record

HEAD = "from dataclasses import dataclass\nfrom cbench import Memory, Method, add, product\n"
KEEP = "    def keep(self, memory, trained, task):\n"
KEEP += "        return Memory(update=add(memory.update, product(trained)))\n"
MINE = f"{HEAD}@dataclass(frozen=True)\nclass Mine(Method):\n    share: float = 0.5\n"
MINE += f"    name, title = 'mine', 'Mine'\n{KEEP}"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A working folder, and no method of another test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "LOCAL", {})
    return tmp_path


@pytest.mark.parametrize("method", ["./local_mine.py:Mine", "local_mine.py", "local_mine:Mine"])
def test_file_or_module_is_a_method(place, method):
    (place / "local_mine.py").write_text(MINE)
    made = make_method(method, {"share": "0.25"})
    assert made.name == "mine" and made.share == 0.25
    source = source_of(made)
    assert (source.package, source.version, source.options) == ("", "", {"share": 0.25})


def test_digest_follows_the_text_and_not_the_place(place):
    digests = []
    for folder, text in (
        ("a", MINE),
        ("b", "# a comment\n" + MINE),
        ("c", MINE.replace("add(", "add( {}, ")),
    ):
        (place / folder).mkdir()
        (place / folder / "same.py").write_text(text)
        digests.append(source_of(make_method(f"{folder}/same.py:Mine", {})).code)
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("text", "method", "line"),
    [
        (MINE, "nowhere.py:Mine", "there is no file nowhere.py"),
        (MINE, "m.py:Mein", "unknown class in m.py 'Mein'; did you mean 'Mine'?"),
        (MINE, "nowhere_at_all:Mine", "module nowhere_at_all: ModuleNotFoundError"),
        (MINE + "class Two(Mine):\n    name = 'two'\n", "m.py", "m.py has 2 methods; name one as m.py:Mine"),
        ("x = 1\n", "m.py", "m.py has no subclass of cbench.Method"),
        ("\n\n1 / 0\n", "m.py:Mine", "m.py, line 3: ZeroDivisionError"),
        ("\ndef (:\n", "m.py:Mine", "m.py, line 2: SyntaxError"),
        (MINE.replace("'mine',", "'naive',"), "m.py", "'naive' is the name of a built-in method"),
        (MINE.replace("frozen=True", ""), "m.py", "write @dataclass(frozen=True)"),
        (
            MINE.replace("@dataclass(frozen=True)\n", ""),
            "m.py",
            "the field 'share' but no @dataclass(frozen=True)",
        ),
        (MINE.replace(KEEP, ""), "m.py", "has no hook keep(self, memory, trained, task)"),
        (
            MINE.replace("trained, task", "trained"),
            "m.py",
            "the hook is keep(self, memory, trained, task), the class",
        ),
        (
            MINE.replace("trained, task", "task, trained"),
            "m.py",
            "has another order: self, memory, task, trained",
        ),
        (MINE.replace("float = 0.5", "list[int] = None"), "m.py", "options.share has the type list[int]"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_trained(place, text, method, line):
    (place / "m.py").write_text(text)
    with pytest.raises(BadInput) as caught:
        make_method(method, {})
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_wrong_group_is_named(place, monkeypatch):
    info = place / "lost-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lost\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cbench.method]\nmine = lost:Mine\n")
    monkeypatch.syspath_prepend(place)
    with pytest.raises(BadInput, match="package lost registers 'mine' in the group"):
        make_method("mine", {})


def test_run_from_a_file(cli, track_file, place):
    (place / "m.py").write_text(MINE)
    words = ("--suite", "colours", "--track", track_file, "--results", place / "out", "--limit-tasks", 1)
    code, _, error = cli("run", "--method", "m.py:Mine", *words)
    assert code == 0, error
    record = read_record(place / "out" / "records" / "tiny-colours-mine-o0-s0.json")
    assert record.source.package == "" and record.method.name == "mine"
    assert os.fspath(place) not in record.source.model_dump_json()
    code, _, error = cli("run", "--method", "m.py:Mine", "--executor", "local", *words)
    assert code == 2 and "needs an installed method" in error


def test_ls_methods_says_titles_regimes_and_options(cli):
    code, output, _ = cli("ls", "methods")
    assert code == 0 and "Merge & initialization  strict  merging" in output and "sum=" in output
    rows = {row["name"]: row for row in json.loads(cli("ls", "methods", "--json")[1])["methods"]}
    assert rows["ties"]["options"] and rows["joint"]["regime"] == "oracle" and rows["gpm"]["source"]

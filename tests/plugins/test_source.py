"""Edited code is other code; comments are not."""

import importlib
import sys
from textwrap import dedent

import pytest

from cbench.methods.merge_init import MergeInit
from cbench.methods.naive import Naive
from cbench.plugins.source import code_of, source_of

METHOD = """
'''A method.'''
from cbench import Memory, Method, add, product
from my_package.scale import factor
from . import names


class Scaled(Method):
    '''Scaled.'''

    name, title = "scaled", names.TITLE

    def keep(self, memory, trained, task):
        return Memory(update=add(memory.update, {n: factor() * u for n, u in product(trained).items()}))
"""
SCALE = "def factor():\n    return 0.5\n"
FILES = {
    "__init__.py": "",
    "method.py": METHOD,
    "scale.py": SCALE,
    "names.py": "TITLE = 'Scaled'\n",
    "other.py": "x = 1\n",
}


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The digest of the method in a package with some files changed, imported anew each time."""
    monkeypatch.syspath_prepend(tmp_path)

    def of(**changes):
        for name, text in (FILES | {f"{k}.py": v for k, v in changes.items()}).items():
            path = tmp_path / "my_package" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(dedent(text))
        for module in [m for m in sys.modules if m.split(".")[0] == "my_package"]:
            monkeypatch.delitem(sys.modules, module)
        importlib.invalidate_caches()
        sys.dont_write_bytecode, was = True, sys.dont_write_bytecode
        try:
            method = importlib.import_module("my_package.method").Scaled
        finally:
            sys.dont_write_bytecode = was
        return code_of(method)

    return of


def test_the_module_and_what_it_imports_of_its_package_count(digest):
    plain = digest()
    assert digest(method=METHOD.replace("factor() *", "2 * factor() *")) != plain
    assert digest(scale=SCALE.replace("0.5", "0.25")) != plain
    assert digest(names="TITLE = 'Other'\n") != plain
    assert digest(other="x = 2\n") == plain, "nothing imports it"
    assert digest() == plain


def test_comments_docstrings_and_layout_do_not(digest):
    plain = digest()
    assert digest(scale="# half\ndef factor():\n    '''Half.'''\n\n    return (0.5)\n") == plain


def test_built_in_methods_count_the_same():
    assert code_of(MergeInit) != code_of(Naive)
    source = source_of(MergeInit())
    assert source.package == "cbench" and source.version and source.code == code_of(MergeInit)


def test_bases_count():
    class Child(MergeInit):
        name = "child"

    assert code_of(Child) != code_of(MergeInit)


def test_edited_code_is_run_again_and_said(cli, track_file, tmp_path, monkeypatch):
    """The same command after an edit: a new record, the same stored trainings, a notice."""
    from cbench.plugins import source
    from cbench.record.files import read_record

    words = (
        "run",
        "--method",
        "merge_init",
        "--suite",
        "colours",
        "--track",
        track_file,
        "--results",
        tmp_path,
    )
    assert cli(*words)[0] == 0
    path = next((tmp_path / "records").iterdir())
    first = read_record(path)
    assert first.source.code == code_of(MergeInit)
    monkeypatch.setattr(source, "code_of", lambda method: "edited")
    code, _, error = cli(*words)
    again = read_record(path)
    assert code == 0 and "the code of merge_init changed since its record was written" in error
    assert again.source.code == "edited" and again.kept == first.kept and again.scores == first.scores
    assert "changed" not in cli(*words)[2]

import subprocess
import sys

import pytest

from cbench.errors import BadInput
from cbench.plugins import registry


def test_builtins_are_listed():
    assert {"base", "naive", "merge_init", "ortho_init", "magmax"} <= set(registry.entries("methods"))
    assert {"mini_clip_i", "mini_dino", "mini_csd"} <= set(registry.entries("metrics"))


@pytest.mark.parametrize(("name", "near"), [("merg_init", "merge_init"), ("naiv", "naive")])
def test_nearest_name_is_suggested(name, near):
    with pytest.raises(BadInput, match=f"unknown method '{name}'; did you mean '{near}'"):
        registry.load("methods", name)


def test_broken_plugin_is_named_and_harms_no_other(plugin, cli):
    with pytest.raises(
        BadInput,
        match=r"package cbench-example fails to load its method 'breaks_on_import': ModuleNotFoundError",
    ):
        registry.load("methods", "breaks_on_import")
    code, output, _ = cli("ls", "methods")
    assert code == 0 and "half_merge  cbench-example" in output and "merge_init  cbench" in output


@pytest.mark.parametrize(
    ("kind", "name"), [("methods", "naive"), ("metrics", "mini_csd"), ("tracks", "mini")]
)
@pytest.mark.parametrize("first", [True, False])
def test_plugin_with_a_builtins_name_is_not_used_and_named(
    tmp_path, monkeypatch, cli, capsys, kind, name, first
):
    """Wherever it lies on the path, the built-in is used."""
    own = registry.load(kind, name)
    info = tmp_path / "thief-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[cbench.{kind}]\n{name} = thief:Stolen\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path] if first else [*sys.path, str(tmp_path)])
    registry._warn.cache_clear()
    assert registry.load(kind, name) is own and registry.load(kind, name) is own
    line = (
        f"package thief registers the {kind[:-1]} '{name}', which is a built-in's name: the built-in is used"
    )
    assert capsys.readouterr().err.count(line) == 1
    assert line in cli("ls", kind)[1]


def test_two_plugins_of_one_name_are_refused(tmp_path, monkeypatch):
    for owner in ("one", "two"):
        info = tmp_path / f"{owner}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[cbench.methods]\nmine = {owner}:Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInput, match="packages one and two both register the method 'mine'"):
        registry.load("methods", "mine")


@pytest.mark.parametrize("words", [["--help"], ["ls"], ["leaderboard", "--help"], ["check", "--help"]])
def test_light_verbs_import_no_torch(words):
    program = "\n".join(
        [
            "import sys",
            "from cbench.cli import main",
            "try:",
            "    main(sys.argv[1:])",
            "except SystemExit:",
            "    pass",
            "assert 'torch' not in sys.modules",
        ]
    )
    assert subprocess.run([sys.executable, "-c", program, *words], capture_output=True).returncode == 0

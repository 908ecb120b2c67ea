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
    code, told, _ = cli("ls", "methods")
    assert code == 0 and "half_merge  cbench-example" in told and "merge_init  cbench" in told


def test_plugin_with_a_builtins_name_is_refused(tmp_path, monkeypatch, cli):
    info = tmp_path / "thief-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cbench.methods]\nnaive = thief:Naive\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        BadInput, match="package thief registers the method 'naive', which is a built-in name"
    ):
        registry.load("methods", "naive")
    assert "built-in" in cli("ls", "methods")[1]


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

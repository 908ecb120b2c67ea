"""The structure: packages derived from the folders, no circle between modules, one between rooms."""

import ast
import runpy
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from cbench.jobs.code_digest import ROOTS, source_files

ROOT = Path(__file__).parents[2]
FOLDERS = {"cbench": "bench"} | {name: name.removeprefix("cbench.") for name in ROOTS[1:]}
JOB = ("cbench.jobs", "cbench.cli")
"""A job runs a command."""


def modules() -> dict[str, Path]:
    """Module -> its file."""
    paths = [
        (root, ROOT / folder, path)
        for root, folder in FOLDERS.items()
        for path in (ROOT / folder).rglob("*.py")
    ]
    return {
        ".".join((root, *path.relative_to(home).with_suffix("").parts)).removesuffix(".__init__"): path
        for root, home, path in paths
    }


def arrows() -> set[tuple[str, str]]:
    """(module, module that it imports), also within functions."""
    known, found = modules(), set()
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "cbench":
                targets = [f"{node.module}.{alias.name}" for alias in node.names]
                found |= {(name, t if t in known else node.module) for t in targets}
    return found


def room(module: str) -> str:
    """The package of a module, or the module itself at the top."""
    path = modules()[module]
    return module if path.parent == ROOT / "bench" else ".".join(module.split(".")[:2])


def in_order(edges: set[tuple[str, str]]) -> bool:
    graph = TopologicalSorter[str]()
    for one, two in edges:
        graph.add(one, two)
    try:
        graph.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))
    return True


def test_modules_have_no_circle():
    assert in_order(arrows())


def test_rooms_have_no_circle():
    rooms = {(room(one), room(two)) for one, two in arrows()}
    assert in_order({(one, two) for one, two in rooms if one != two} - {JOB})


def test_stages_and_methods_know_no_plugin_and_the_leaderboard_no_torch():
    for one, two in arrows():
        if one.startswith(("cbench.stages", "cbench.methods")):
            assert not two.startswith(("cbench.plugins", "cbench.cli", "cbench.runner")), (one, two)
        if one.startswith("cbench.leaderboard"):
            assert not two.startswith(("cbench.stages", "cbench.backbone", "cbench.workbench")), (one, two)


def test_every_module_is_packaged_and_digested():
    packages = set(runpy.run_path(str(ROOT / "setup.py"), run_name="packages")["packages"]())
    listed = {
        name if path.name == "__init__.py" else name.rpartition(".")[0] for name, path in modules().items()
    }
    assert packages == listed
    assert {name.replace("cbench/", "", 1) for name in source_files()} >= {
        str(path.relative_to(ROOT / "bench")) for path in (ROOT / "bench").rglob("*.py")
    }

"""What cbench stands on: versions that were tried together, and their licences."""

import re
import runpy
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NEEDED = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["full"]]
TESTED = [r for r in map(Requirement, PROJECT["optional-dependencies"]["test"]) if r.name != "cbench"]
PINS = (ROOT / "constraints.txt").read_text().splitlines()


def test_constraints_are_versions_alone():
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!]+( ; .*)?", line) for line in PINS), (
        "no address, no path, no hash"
    )


@pytest.mark.parametrize("requirement", NEEDED + TESTED, ids=str)
def test_direct_dependency_is_pinned_within_its_range(requirement):
    pins = [Requirement(line) for line in PINS]
    versions = [
        pin.specifier for pin in pins if canonicalize_name(pin.name) == canonicalize_name(requirement.name)
    ]
    assert versions and all(
        requirement.specifier.contains(str(version).removeprefix("==")) for version in versions
    )


@pytest.mark.parametrize("requirement", NEEDED + TESTED, ids=str)
def test_direct_dependency_has_a_lowest_version(requirement):
    """Without one, `--resolution lowest-direct` takes the first release ever."""
    assert [bound.operator for bound in requirement.specifier] == [">="]


def test_both_ends_of_the_ranges_are_tested_by_ci():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    commands = {job: [step.get("run") for step in jobs[job]["steps"]] for job in ("test", "lowest")}
    assert "bash .ci/run" in commands["test"] and "recipes/supply/lowest.sh" in commands["lowest"]
    script = (ROOT / "recipes" / "supply" / "lowest.sh").read_text()
    assert "--resolution lowest-direct" in script and "\npytest " in script


@pytest.mark.parametrize("name", [requirement.name for requirement in NEEDED])
def test_direct_dependency_has_a_licence(name):
    rows = [
        line.split(" | ")
        for line in (ROOT / "docs" / "licences.md").read_text().splitlines()
        if line.startswith("| ")
    ]
    told = {canonicalize_name(cells[0].removeprefix("| ")): cells[1] for cells in rows}
    assert told[canonicalize_name(name)] not in ("", "not told", "not installed here")


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"License-Expression": "MIT", "License": "long text"}, "MIT"),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, "BSD License"),
        ({"Classifier": "License :: OSI Approved", "License": "Apache 2.0\n\nlong text"}, "Apache 2.0"),
        ({"Classifier": "Topic :: Graphics"}, "not told"),
    ],
)
def test_licence_of_metadata(metadata, told):
    from email.message import Message

    message = Message()
    for name, value in metadata.items():
        message[name] = value
    assert runpy.run_path(str(ROOT / "recipes" / "supply" / "licences.py"))["licence"](message) == told

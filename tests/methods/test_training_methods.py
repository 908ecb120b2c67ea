"""Rehearsal, regularisation and orthogonality through `cbench run` on the small pipeline."""

from pathlib import Path
from typing import NamedTuple

import pytest

from cbench.plan import open_track
from cbench.plugins.hooks import Hooks
from cbench.plugins.methods import make_method, reference
from cbench.posthoc.replay import memories, tasks_of
from cbench.results import Results
from cbench.workbench import open_workbench

TASKS = {"l2": 2, "replay": 2, "c_lora": 2, "n_lora": 2}
"""Tasks to learn, if not all three."""
CHAINS = {
    "replay": "naive",
    "l2": "naive",
    "ewc": "naive",
    "dream": "merge_init",
    "distill": "merge_init",
    "c_lora": "merge_init",
    "o_lora": "merge_init",
}
"""Method -> the one that begins alike."""
ALONE = ("n_lora", "inflora", "ortho_adapt", "gpm")
"""Methods whose first task is already trained in another way."""
OFF = [
    ("replay", "images_per_task=0"),
    ("l2", "lam=0"),
    ("ewc", "lam=0"),
    ("dream", "images_per_prompt=0"),
    ("distill", "weight=0"),
    ("c_lora", "lam=0"),
    ("o_lora", "l1=0"),
    ("n_lora", "lam=0"),
]


class Place(NamedTuple):
    """Where all tests of this file run: what begins alike is trained once."""

    out: Path
    tracks: list[Path]
    """The first test's track file, which all use."""


@pytest.fixture(scope="module")
def module_place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("out"), [])


@pytest.fixture
def place(module_place, track_file):
    module_place.tracks.append(track_file)
    return module_place


@pytest.fixture
def execute(cli, place):
    """Runs a method by the command line; gives its record."""

    def go(name, *options, tasks=3):
        words = ["run", "--method", name, "--suite", "colours", "--track", place.tracks[0]]
        words += [word for option in options for word in ("--set", option)]
        code, _, error = cli(*words, "--results", place.out, "--limit-tasks", tasks)
        assert code == 0, error
        wanted = reference(make_method(name, dict(option.split("=") for option in options)))
        return next(record for record in Results(place.out).records() if record.method == wanted)

    return go


@pytest.mark.parametrize("name", [*CHAINS, *ALONE])
def test_it_learns_its_tasks_and_differs_from_plain_training_when_it_says_so(execute, name):
    tasks = TASKS.get(name, 3)
    record, plain = execute(name, tasks=tasks), execute(CHAINS.get(name, "merge_init"), tasks=tasks)
    ours, theirs = record.kept.adapters, plain.kept.adapters
    assert record.learned == tasks and len({*ours}) == tasks
    assert (ours[0] == theirs[0]) == (name in CHAINS), "the first task is shared with the chain"
    assert not {*ours[1:]} & {*theirs[1:]}
    assert record.costs.memory_bytes > 0 and record.method.regime == make_method(name, {}).regime


@pytest.mark.parametrize("name, option", OFF)
def test_without_its_term_it_is_the_plain_chain(execute, name, option):
    plain = CHAINS.get(name, "merge_init")
    assert execute(name, option, tasks=2).kept.adapters == execute(plain, tasks=2).kept.adapters[:2]


@pytest.mark.parametrize("name", ["ewc", "inflora", "gpm", "o_lora"])
def test_a_replay_gives_the_models_of_the_run(execute, place, name):
    record, track = execute(name), open_track(str(place.tracks[0]))
    method, tasks, results = make_method(name, {}), tasks_of(record, track), Results(place.out)
    *_, memory = memories(method, record, tasks, results.store)
    bench = open_workbench(track.of("colours"), results, "cpu")
    assert bench.sample_key(Hooks(method).model(memory, tasks[-1]), tasks[-1]) == record.kept.images[-1][-1]

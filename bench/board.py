"""A board: the runs of several methods, options and suites of one track, planned together.

Asked for by the options of `cbench run`, or by a file:

```yaml
track: mini                # or a track file beside this one; --track by default
suites: [objects, styles]  # of all runs; the track's by default
orders: [0, 5]             # the track's by default
seeds: [0]                 # the track's by default
runs:
  - naive
  - {method: ortho_init, options: {sum: [products, factors]}}    # a list: one run of each value
  - {method: magmax, suites: [styles], seeds: [0]}
  - {method: l2, tuned: [l2-objects.json, l2-styles.json]}       # of `cbench tune`, beside this file
```
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, ValidationError

from cbench.errors import BadInput
from cbench.plan import Plan, choices, plans_of
from cbench.plugins.methods import make_method
from cbench.plugins.streams import open_stream, spec_of
from cbench.results import run_name
from cbench.task import Stream
from cbench.track import Track
from cbench.tuning import Tuning, check_tuning, read_tuning
from cbench.utils.text import first_error, read_yaml
from cbench.utils.values import Frozen, Int

Value = bool | int | float | str


class RunSet(NamedTuple):
    """The runs of one method: every combination of option values on every suite, order and seed."""

    method: str
    options: Mapping[str, Sequence[str]]
    """Option -> its values as texts, one run each."""
    suites: Sequence[str]
    orders: Sequence[int]
    seeds: Sequence[int]
    tuned: Sequence[Path] = ()
    """Tuning files of the method, one for each suite; none for a method that is not tuned."""


def _named(entry: Any) -> Any:
    """A method without anything else may be its name alone."""
    return {"method": entry} if isinstance(entry, str) else entry


class MethodEntry(Frozen):
    """One entry of a file of runs; a field that is left out is the file's."""

    method: str
    options: dict[str, Value | tuple[Value, ...]] = {}
    suites: tuple[str, ...] | None = Field(default=None, min_length=1)
    orders: tuple[Int, ...] | None = Field(default=None, min_length=1)
    seeds: tuple[Int, ...] | None = Field(default=None, min_length=1)
    tuned: tuple[str, ...] = ()
    """Tuning files, beside this file."""


class RunsFile(Frozen):
    """A file of runs."""

    track: str | None = None
    suites: tuple[str, ...] | None = Field(default=None, min_length=1)
    orders: tuple[Int, ...] | None = Field(default=None, min_length=1)
    seeds: tuple[Int, ...] | None = Field(default=None, min_length=1)
    runs: tuple[Annotated[MethodEntry, BeforeValidator(_named)], ...] = Field(min_length=1)


def read_runs(path: Path) -> RunsFile:
    """The file of runs; BadInput names the file and the field."""
    values = read_yaml(path, "runs file")
    if not isinstance(values, dict):
        raise BadInput(f"runs file {path}: write `runs:` and below it a list of methods")
    try:
        return RunsFile.model_validate(values)
    except ValidationError as error:
        raise BadInput(f"runs file {path}: {first_error(error)}") from error


def track_of(file: RunsFile, home: Path) -> str | None:
    """The file's track: a name, or a track file's path, which is relative to the folder `home`."""
    return str(home / file.track) if file.track and file.track.endswith((".yaml", ".yml")) else file.track


def sets_of(file: RunsFile, home: Path, track: Track) -> list[RunSet]:
    """The runs of a file in the folder `home`, with the track's own suites, orders and seeds where the file
    names none."""
    return [
        RunSet(
            entry.method,
            {name: _texts(value) for name, value in entry.options.items()},
            entry.suites or file.suites or tuple(track.suites),
            entry.orders or file.orders or track.orders,
            entry.seeds or file.seeds or track.seeds,
            tuple(home / path for path in entry.tuned),
        )
        for entry in file.runs
    ]


def _texts(value: Value | tuple[Value, ...]) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else (str(value),)


def board(track: Track, sets: Sequence[RunSet], limit: int | None = None) -> list[Plan]:
    """The plans of all runs, those of one seed, order and suite beside one another: they share most work.

    BadInput for anything that the track does not have, and for a run that is asked for twice."""
    streams, plans = dict[str, Stream](), list[Plan]()
    for one in sets:
        for suite in one.suites:
            spec_of(track, suite)
        orders = [choices(track, "order", order, False)[0] for order in one.orders]
        seeds = [choices(track, "seed", seed, False)[0] for seed in one.seeds]
        tunings = _tunings(one)
        for values, suite in product(product(*one.options.values()), one.suites):
            options, (path, tuning) = dict(zip(one.options, values, strict=True)), tunings[suite]
            method = make_method(one.method, _tuned_options(options, tuning, path))
            if tuning:
                check_tuning(tuning, path, track, method)
            if suite not in streams:
                streams[suite] = open_stream(track, suite)
            runs = plans_of(track, suite, streams[suite], method, orders, seeds, limit)
            plans += [replace(p, tuned=tuning.tuned, tuning_file=path) for p in runs] if tuning else runs
    _check_distinct(plans)
    return _grouped(plans)


def _tunings(one: RunSet) -> dict[str, tuple[Path, Tuning | None]]:
    """Suite -> its tuning file and what is in it, if the runs are tuned. BadInput for a file of another
    method or suite, two of one suite, and a suite without one."""
    tunings: dict[str, tuple[Path, Tuning | None]] = {}
    for path in one.tuned:
        tuning = read_tuning(path)
        if tuning.method != one.method or tuning.suite not in one.suites or tuning.suite in tunings:
            twice = "a second time" if tuning.suite in tunings else "which is not asked for with it"
            raise BadInput(f"tuning file {path} is of {tuning.method} on {tuning.suite}, {twice}")
        tunings[tuning.suite] = path, tuning
    lacking = [suite for suite in one.suites if suite not in tunings]
    if tunings and lacking:
        raise BadInput(f"{one.method} on {lacking[0]} has no tuning file; run `cbench tune`, or leave it out")
    return tunings or {suite: (Path(), None) for suite in one.suites}


def _tuned_options(options: dict[str, str], tuning: Tuning | None, path: Path) -> dict[str, str]:
    if tuning is None:
        return options
    for name, value in tuning.options.items():
        if options.get(name, value) != value:
            raise BadInput(f"option {name}={options[name]}: tuning file {path} says {value}; leave one out")
    return options | tuning.options


def _check_distinct(plans: Sequence[Plan]) -> None:
    names = set[str]()
    for plan in plans:
        if (name := run_name(plan)) in names:
            raise BadInput(
                f"{plan.method_ref.label} on {plan.suite}, order {plan.order}, seed {plan.seed}: asked for "
                "twice; give every method, suite and option value once"
            )
        names.add(name)


def _grouped(plans: Sequence[Plan]) -> list[Plan]:
    """Seed by seed, order by order, suite by suite, each as first asked for; the base model first."""
    seeds, orders, suites = (
        {value: place for place, value in enumerate(dict.fromkeys(values))}
        for values in ([p.seed for p in plans], [p.order for p in plans], [p.suite for p in plans])
    )
    return sorted(plans, key=lambda p: (seeds[p.seed], orders[p.order], suites[p.suite], p.method.trains))


def group(plan: Plan) -> tuple[int, int, str]:
    """(seed, order, suite): runs of two groups share no training, or at most their first."""
    return plan.seed, plan.order, plan.suite


def spread(plans: Sequence[Plan]) -> list[Plan]:
    """The plans with the first run of every group first, then the second of every group, and so on: what a
    queue starts side by side shares little."""
    turns = dict[tuple[int, int, str], int]()
    places = list[int]()
    for plan in plans:
        places.append(turns.get(group(plan), 0))
        turns[group(plan)] = places[-1] + 1
    return [plan for _, plan in sorted(zip(places, plans, strict=True), key=lambda pair: pair[0])]

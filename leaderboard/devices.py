"""What a board's runs were computed with: numbers of two devices, or of two optimizers, differ."""

from collections import Counter
from typing import Any, NamedTuple

from cbench.leaderboard.collect import Board
from cbench.leaderboard.statistics import Run
from cbench.record.record import Record


class Origin(NamedTuple):
    """What one run was computed with."""

    devices: tuple[str, ...]
    """Empty if the record names none; two or more if the run was begun on one and ended on another."""
    optimizer: str
    """The optimizer if it is not the track's, else empty."""


def origin(record: Record) -> Origin:
    """The devices and the optimizer of a run."""
    known = record.provenance
    return Origin(known.devices or ((known.device,) if known.device else ()), known.optimizer)


class Origins(NamedTuple):
    """The origins of a board's runs."""

    usual: tuple[str, ...]
    """The devices of most runs."""
    others: dict[str, dict[Origin, list[Run]]]
    """Method label -> origin -> its runs: those of other devices than most runs, of several devices, or of
    another optimizer than the track's."""


def origins(board: Board) -> Origins:
    """The usual device (of equally many runs the first by name), and the runs computed otherwise."""
    by_label = {
        label: {run: origin(record) for run, record in sorted({**entry.runs, **entry.partial}.items())}
        for label, entry in board.entries.items()
    }
    counts = Counter(o.devices for runs in by_label.values() for o in runs.values() if len(o.devices) == 1)
    usual = min(counts, key=lambda devices: (-counts[devices], devices), default=())
    others: dict[str, dict[Origin, list[Run]]] = {}
    for label, runs in by_label.items():
        for run, one in runs.items():
            if one.optimizer or (one.devices and one.devices != usual):
                others.setdefault(label, {}).setdefault(one, []).append(run)
    return Origins(usual, others)


def data(origins: Origins, label: str) -> list[dict[str, Any]]:
    """The runs of a method that were computed otherwise, for programs."""
    return [
        {"order": order, "seed": seed, "devices": list(one.devices), "optimizer": one.optimizer or None}
        for one, runs in origins.others.get(label, {}).items()
        for order, seed in runs
    ]

"""Figure 2 of arXiv 2410.04891: the share of a task's update that later training reverses, from the numbers
of `cbench.posthoc.interference`."""

import re
from collections.abc import Mapping, Sequence
from math import fsum
from typing import TYPE_CHECKING, Any, Literal

from cbench.leaderboard.collect import Board
from cbench.leaderboard.plot_style import band, legend, panels, styles, text
from cbench.leaderboard.statistics import Run, Spread, spread
from cbench.posthoc.interference import Opposed, Pairs, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Interference = Mapping[str, Mapping[Run, Pairs]]
"""Method label -> run -> its pairs of tasks."""
Quantity = Literal["study_ratio", "study_share", "ratio", "share"]
AXES: dict[Quantity, str] = {
    "study_ratio": "norm of the opposed drift / of the update",
    "study_share": "share of weights with another sign",
    "ratio": "the same norm, of moved weights alone",
    "share": "share of the moved weights that turned",
}
"""The first two count as the study does: a weight that the task left alone counts as opposed."""
NAMED_LAYERS = 100
"""With more layers than this an axis names only the blocks."""


def _mean(opposed: Sequence[Opposed], quantity: Quantity) -> float | None:
    numbers = [value for one in opposed if (value := getattr(one, quantity)) is not None]
    return fsum(numbers) / len(numbers) if numbers else None


def line(runs: Mapping[Run, Pairs], quantity: Quantity) -> dict[int, Spread]:
    """Number of tasks learned since -> spread over runs of the mean over the tasks of that age."""
    lags = sorted({j - i for pairs in runs.values() for i, j in pairs})
    sums = [{pair: whole(layers) for pair, layers in pairs.items()} for pairs in runs.values()]
    means = {
        lag: [_mean([one for (i, j), one in run.items() if j - i == lag], quantity) for run in sums]
        for lag in lags
    }
    return {
        lag: spread(known) for lag, values in means.items() if (known := [v for v in values if v is not None])
    }


def over_time(board: Board, interference: Interference) -> "Figure":
    """A line for each method: mean and standard deviation over runs."""
    from matplotlib.ticker import MaxNLocator

    drawn = styles(board)
    figure, axes = panels(len(AXES), 2)
    for ax, quantity in zip(axes, AXES, strict=True):
        for label, runs in interference.items():
            points, style = line(runs, quantity), drawn[label]
            x, y = list(points), [p.mean for p in points.values()]
            low, high = [p.mean - p.std for p in points.values()], [p.mean + p.std for p in points.values()]
            ax.plot(x, y, color=style.color, marker=style.marker, linestyle=style.dashes, label=text(label))
            band(ax, x, low, high, style)
        ax.set(xlabel="tasks learned since", ylabel=AXES[quantity])
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes)
    return figure


def depth(layer: str) -> tuple:
    """Sort key of a layer in the UNet's order of computation: down, middle, up, numbers by value."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[._]", layer))


def by_layer(runs: Mapping[Run, Pairs], quantity: Quantity) -> dict[str, float]:
    """Layer -> mean over runs and tasks, at the end of the stream."""
    last = max(j for pairs in runs.values() for _, j in pairs)
    ends = [layers for pairs in runs.values() for (_, j), layers in pairs.items() if j == last]
    names = sorted({name for layers in ends for name in layers}, key=depth)
    means = {name: _mean([layers[name] for layers in ends if name in layers], quantity) for name in names}
    return {name: value for name, value in means.items() if value is not None}


def short(layer: str) -> str:
    """`down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_q` -> `down 0.1.0 attn2 q`."""
    numbers = ".".join(re.findall(r"(?<=\.)\d+(?=\.)", layer.removesuffix(".0")))
    attention, kind = re.search(r"attn\d+", layer), re.search(r"to_(\w+)", layer)
    parts = [layer.split("_")[0], numbers, attention[0] if attention else "", kind[1] if kind else ""]
    return " ".join(filter(None, parts))


def _name_layers(ax: "Axes", layers: Sequence[str]) -> None:
    ticks, names = list(range(len(layers))), [short(layer) for layer in layers]
    if len(layers) > NAMED_LAYERS:
        names = [".".join(layer.split(".")[:2]) for layer in layers]
        ticks = [k for k, name in enumerate(names) if k == 0 or name != names[k - 1]]
    ax.set_yticks(ticks, [names[k] for k in ticks], fontsize=6)
    ax.set_ylim(len(layers) - 0.5, -0.5)


def per_layer(board: Board, interference: Interference) -> "Figure":
    """A row for each layer, in the UNet's order of computation, and a mark for each method."""
    drawn = styles(board)
    means = {label: {q: by_layer(runs, q) for q in AXES} for label, runs in interference.items()}
    layers = sorted(
        {name for by_quantity in means.values() for name in by_quantity["study_ratio"]}, key=depth
    )
    figure, axes = panels(len(AXES), 2, min(12, max(3, 0.13 * len(layers))))
    for ax, quantity in zip(axes, AXES, strict=True):
        for label, by_quantity in means.items():
            values, style = by_quantity[quantity], drawn[label]
            rows = [k for k, name in enumerate(layers) if name in values]
            x = [values[layers[k]] for k in rows]
            marks: dict[str, Any] = {"marker": style.marker, "markersize": 3, "linestyle": "none"}
            ax.plot(x, rows, color=style.color, label=text(label), **marks)
        _name_layers(ax, layers)
        ax.set(xlabel=AXES[quantity])
        ax.set_xlim(left=0)
    for ax in axes[1::2]:
        ax.set_yticklabels([])
    legend(figure, axes)
    return figure

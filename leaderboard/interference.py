"""Figure 2 of arXiv 2410.04891: how much of a task's update later training takes back, from the numbers of
`cbench.posthoc.interference`."""

import re
from collections.abc import Mapping, Sequence
from math import fsum
from typing import TYPE_CHECKING, Literal

from cbench.leaderboard.collect import Board
from cbench.leaderboard.plot_style import band, legend, panels, styles, text
from cbench.leaderboard.statistics import Run, Spread, spread
from cbench.posthoc.interference import Opposed, Pairs, whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Found = Mapping[str, Mapping[Run, Pairs]]
"""Method label -> run -> its pairs of tasks."""
What = Literal["ratio", "share"]
AXES: dict[What, str] = {
    "ratio": "norm of the opposed drift / of the update",
    "share": "share of weights with opposed sign",
}
NAMED_LAYERS = 100
"""With more layers than this an axis names only the blocks."""


def _mean(found: Sequence[Opposed], what: What) -> float | None:
    told = [value for one in found if (value := getattr(one, what)) is not None]
    return fsum(told) / len(told) if told else None


def line(runs: Mapping[Run, Pairs], what: What) -> dict[int, Spread]:
    """Number of tasks learned since -> mean over the tasks of a run that have seen so many, spread over
    runs."""
    lags = sorted({j - i for pairs in runs.values() for i, j in pairs})
    sums = [{pair: whole(layers) for pair, layers in pairs.items()} for pairs in runs.values()]
    means = {
        lag: [_mean([one for (i, j), one in told.items() if j - i == lag], what) for told in sums]
        for lag in lags
    }
    return {
        lag: spread(known) for lag, values in means.items() if (known := [v for v in values if v is not None])
    }


def over_time(board: Board, found: Found) -> "Figure":
    """A line a method; mean and standard deviation over runs."""
    from matplotlib.ticker import MaxNLocator

    drawn = styles(board)
    figure, axes = panels(2, 2)
    for ax, what in zip(axes, AXES, strict=True):
        for label, runs in found.items():
            points, style = line(runs, what), drawn[label]
            low, high = [p.mean - p.std for p in points.values()], [p.mean + p.std for p in points.values()]
            y = [p.mean for p in points.values()]
            ax.plot(
                list(points),
                y,
                color=style.color,
                marker=style.marker,
                linestyle=style.dashes,
                label=text(label),
            )
            band(ax, list(points), low, high, style)
        ax.set(xlabel="tasks learned since", ylabel=AXES[what])
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes)
    return figure


def depth(layer: str) -> tuple:
    """Sorts layers as the UNet computes: down, middle, up, numbers by value."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"[._]", layer))


def by_layer(runs: Mapping[Run, Pairs], what: What) -> dict[str, float]:
    """Layer -> mean over runs and tasks, at the end of the stream."""
    last = max(j for pairs in runs.values() for _, j in pairs)
    ends = [layers for pairs in runs.values() for (_, j), layers in pairs.items() if j == last]
    names = sorted({name for layers in ends for name in layers}, key=depth)
    means = {name: _mean([layers[name] for layers in ends if name in layers], what) for name in names}
    return {name: value for name, value in means.items() if value is not None}


def short(layer: str) -> str:
    """`down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_q` -> `down 0.1.0 attn2 q`."""
    numbers = ".".join(re.findall(r"(?<=\.)\d+(?=\.)", layer.removesuffix(".0")))
    attention, kind = re.search(r"attn\d+", layer), re.search(r"to_(\w+)", layer)
    parts = [layer.split("_")[0], numbers, attention[0] if attention else "", kind[1] if kind else ""]
    return " ".join(filter(None, parts))


def _name_layers(ax: "Axes", layers: Sequence[str]) -> None:
    blocks = [".".join(layer.split(".")[:2]) for layer in layers]
    named = (
        range(len(layers))
        if len(layers) <= NAMED_LAYERS
        else [k for k, b in enumerate(blocks) if k == 0 or b != blocks[k - 1]]
    )
    ax.set_yticks(
        list(named),
        [short(layers[k]) if len(layers) <= NAMED_LAYERS else blocks[k] for k in named],
        fontsize=6,
    )
    ax.set_ylim(len(layers) - 0.5, -0.5)


def per_layer(board: Board, found: Found) -> "Figure":
    """A row a layer, top to bottom as the UNet computes, a mark a method."""
    drawn, told = (
        styles(board),
        {label: {what: by_layer(runs, what) for what in AXES} for label, runs in found.items()},
    )
    layers = sorted({name for values in told.values() for name in values["ratio"]}, key=depth)
    figure, axes = panels(2, 2, min(12, max(3, 0.13 * len(layers))))
    for ax, what in zip(axes, AXES, strict=True):
        for label, values in told.items():
            rows, style = [k for k, name in enumerate(layers) if name in values[what]], drawn[label]
            x = [values[what][layers[k]] for k in rows]
            ax.plot(
                x,
                rows,
                color=style.color,
                marker=style.marker,
                linestyle="none",
                markersize=3,
                label=text(label),
            )
        _name_layers(ax, layers)
        ax.set(xlabel=AXES[what])
        ax.set_xlim(left=0)
    axes[1].set_yticklabels([])
    legend(figure, axes)
    return figure

"""How the figures look: colours, markers, dashes, panels, legend."""

from collections.abc import Sequence
from itertools import cycle
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from cbench.leaderboard.collect import BASE, Board
from cbench.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours that the colour-blind can tell apart (Okabe & Ito 2008), without the yellow that paper swallows."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
PANEL = 3.4
"""Inches."""
LOOK: dict[Any, Any] = {
    "text.parse_math": False,  # a dollar in a method's label is a dollar
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "legend.frameon": False,
    "svg.hashsalt": "cbench",
    "savefig.dpi": 200,
}


class Style(NamedTuple):
    """How a method is drawn in every figure: colour, marker and dashes of its own, so that colour is never alone."""

    color: str
    marker: str
    dashes: Any


def styles(board: Board) -> dict[str, Style]:
    """A style for each method; the base model is a grey line."""
    own = map(Style, cycle(OKABE_ITO), cycle(MARKERS), cycle(DASHES))
    return {label: Style("#777777", "", (0, (1, 1))) if label == BASE else next(own) for label in board.entries}


def text(name: str) -> str:
    """A name from a record as matplotlib shows it; one that starts with `_` would be left out of the legend."""
    shown = printable(name)
    return f" {shown}" if shown.startswith("_") else shown


def panels(count: int, columns: int, height: float = PANEL * 0.85) -> tuple["Figure", list["Axes"]]:
    """A figure with some panels, filled row by row."""
    from matplotlib.figure import Figure

    rows = ceil(count / columns)
    figure = Figure(figsize=(PANEL * columns, height * rows + 0.5), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def legend(figure: "Figure", axes: Sequence["Axes"]) -> None:
    """One legend for all panels, below them."""
    shown = [ax.get_legend_handles_labels() for ax in axes]
    found = {label: handle for handles, labels in shown for handle, label in zip(handles, labels, strict=True)}
    figure.legend(list(found.values()), list(found), loc="outside lower center", ncols=min(len(found), 2 * len(axes) + 1))

"""The style of the figures: colours, markers, dashes, panels, legend."""

from collections.abc import Sequence
from itertools import cycle
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from cbench.leaderboard.collect import BASE, Board
from cbench.utils.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours for colour-blind readers (Okabe & Ito 2008), without the yellow that is faint on paper."""


MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


STUDY = ("naive", "merge_init", "ortho_init", "magmax", "ortho_init(sum=factors)")
"""Methods with the same colour on every board."""


LONGEST = 56
"""Characters of a name; a longer one is shortened in the middle."""


PANEL = 3.4
"""Inches."""


HANDLE, LETTER, ROW = 0.6, 0.075, 0.19
"""Inches of the legend's line with its gaps, of a letter, and of a row."""


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
    """A method's colour, marker and dashes in every figure: colour is never the only difference."""

    color: str
    marker: str
    dashes: Any


def styles(board: Board) -> dict[str, Style]:
    """A style for each method: the study's methods look the same on every board, the base model is grey."""
    own = map(Style, cycle(OKABE_ITO), cycle(MARKERS), cycle(DASHES))
    fixed = {label: next(own) for label in STUDY} | {BASE: Style("#777777", "", (0, (1, 1)))}
    return {label: fixed.get(label) or next(own) for label in board.entries}


def text(name: str) -> str:
    """A name from a record as matplotlib shows it, shortened if it is long. A leading `_`, which would hide
    it from the legend, gets a space before it."""
    line = one_line(name, LONGEST)
    return f" {line}" if line.startswith("_") else line


def panels(count: int, columns: int, height: float = PANEL * 0.85) -> tuple["Figure", list["Axes"]]:
    """A figure with `count` panels, filled row by row; height in inches for each row."""
    from matplotlib.figure import Figure

    rows = ceil(count / columns)
    figure = Figure(figsize=(PANEL * columns, height * rows + 0.5), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[count:]:
        spare.set_visible(False)
    return figure, axes[:count]


def band(ax: "Axes", x: Sequence[float], low: Sequence[float], high: Sequence[float], style: Style) -> None:
    """A spread around a line: a light area with thin dashed edges, visible where areas overlap."""
    ax.fill_between(x, low, high, color=style.color, alpha=0.07, linewidth=0)
    for edge in (low, high):
        ax.plot(x, edge, color=style.color, linestyle=style.dashes, linewidth=0.6, alpha=0.6)


def title(ax: "Axes", name: str) -> None:
    """A panel's title, in small print if it would overlap the next panel's."""
    label = text(name)
    ax.set_title(label, fontsize=10 if LETTER * len(label) < 0.8 * PANEL else 6.5)


def columns(names: Sequence[str], width: float) -> int:
    """The largest number of columns, at least 1, for a legend of `width` inches; filled column by column, as
    matplotlib does."""
    for count in range(len(names), 1, -1):
        rows, more = divmod(len(names), count)
        heights = [rows + (k < more) for k in range(count)]
        starts = [sum(heights[:k]) for k in range(count)]
        widest = [
            max(map(len, names[start : start + height]))
            for start, height in zip(starts, heights, strict=True)
        ]
        if sum(HANDLE + LETTER * letters for letters in widest) <= width:
            return count
    return 1


def legend(figure: "Figure", axes: Sequence["Axes"]) -> None:
    """One legend for all panels, below them; the figure grows with its rows."""
    handles: dict[str, Any] = {}
    for ax in axes:
        drawn, labels = ax.get_legend_handles_labels()
        handles |= dict(zip(labels, drawn, strict=True))
    count = columns(list(handles), figure.get_figwidth())
    figure.set_figheight(figure.get_figheight() + ROW * (ceil(len(handles) / count) - 1))
    figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=count)

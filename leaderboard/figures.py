"""Figures from records, as SVG and PNG; the same records give the same files."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbench.errors import BadInput
from cbench.leaderboard.collect import BASE, Board, Entry
from cbench.leaderboard.plot_style import LOOK, PANEL, Style, band, legend, panels, styles, text, title
from cbench.leaderboard.statistics import Run, Spread, interval, spread
from cbench.leaderboard.stream_length import growth
from cbench.leaderboard.table import columns_of, values
from cbench.scale import COSINE, Scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


STAMPS: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {"Software": None}}
"""File metadata that varies with the day or with matplotlib's version, removed."""


def finished(board: Board) -> dict[str, Entry]:
    """The methods with complete runs."""
    return {label: entry for label, entry in board.entries.items() if entry.runs}


def _metrics(board: Board) -> list[str]:
    """The metrics that every complete run has."""
    every = [record for entry in board.entries.values() for record in entry.runs.values()]
    return [metric for metric in board.metrics if all(metric in record.scores for record in every)]


def _quantity(scale: Scale) -> str:
    """What a score is, for an axis: `score`, or `score in MMD² x 1000`."""
    return "score" if scale == COSINE else f"score in {text(scale.unit)}"


def _line(entry: Entry, metric: str) -> list[Spread]:
    """The first task's score after each task: mean and standard deviation over runs."""
    columns = zip(
        *([row[0] for row in record.scores[metric].rows] for record in entry.runs.values()), strict=True
    )
    return [spread(column) for column in columns]


def first_task(board: Board) -> "Figure":
    """Figure 1 of arXiv 2410.04891: the first task's score after each task of the stream; mean and standard
    deviation over runs."""
    from matplotlib.ticker import MaxNLocator

    metrics, drawn, scales = _metrics(board), styles(board), board.scales
    figure, axes = panels(len(metrics), len(metrics))
    for ax, metric in zip(axes, metrics, strict=True):
        for label, entry in finished(board).items():
            line, style = _line(entry, metric), drawn[label]
            x, y = range(1, len(line) + 1), [point.mean for point in line]
            low, high = [p.mean - p.std for p in line], [p.mean + p.std for p in line]
            ax.plot(x, y, color=style.color, marker=style.marker, linestyle=style.dashes, label=text(label))
            if label != BASE:  # its score differs from run to run with the first task alone
                band(ax, x, low, high, style)
        quantity = _quantity(scales[metric])
        ax.set(
            title=text(metric), xlabel="tasks learned", ylabel=f"{quantity} of the first task (mean ± std)"
        )
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes)
    return figure


def _mean_matrix(entry: Entry, metric: str) -> list[list[float]]:
    """The mean of S over runs, [task][model] by position; NaN, not drawn, below the diagonal."""
    runs = [record.scores[metric].rows for record in entry.runs.values()]
    size = len(runs[0])
    return [
        [spread([rows[i][j] for rows in runs]).mean if j <= i else nan for i in range(size)]
        for j in range(size)
    ]


def heatmap(board: Board, metric: str) -> "Figure":
    """The matrix S of each method, mean over runs, one colour scale for all; the better, the brighter."""
    scale = board.scales[metric]
    colours = "cividis" if scale.better == "higher" else "cividis_r"
    unit = "" if scale == COSINE else f"\n{text(scale.unit)}, {scale.better} is better"
    methods = {label: _mean_matrix(entry, metric) for label, entry in finished(board).items()}
    cells = [value for matrix in methods.values() for j, row in enumerate(matrix) for value in row[j:]]
    figure, axes = panels(len(methods), min(3, len(methods)), PANEL * 0.9)
    for ax, (label, matrix) in zip(axes, methods.items(), strict=True):
        image = ax.imshow(matrix, cmap=colours, vmin=min(cells), vmax=max(cells))
        positions = range(len(matrix))
        title(ax, label)
        ax.set(xlabel="model after task", ylabel="score on task", xticks=positions, yticks=positions)
        ax.set_xticklabels([str(k + 1) for k in positions])
        ax.set_yticklabels([str(k + 1) for k in positions])
        ax.grid(False)
    figure.colorbar(image, ax=axes, label=text(metric) + unit, shrink=0.8)
    return figure


def _error(numbers: dict[Run, float]) -> Any:
    """The 95 % interval over orders as lengths below and above its middle; None for a single order."""
    ends = interval(numbers)
    return [[(ends[1] - ends[0]) / 2]] * 2 if ends else None


def _point(ax: "Axes", board: Board, entry: Entry, metric: str, style: Style) -> None:
    columns = columns_of(board, ("average_forgetting", "average_score"), [metric])
    forgetting, score = (values(entry, column) for column in columns)
    label, color = text(entry.method.label), style.color
    if not forgetting:
        ax.axhline(spread(list(score.values())).mean, color=color, linestyle=style.dashes, label=label)
        return
    x, y = (spread(list(numbers.values())).mean for numbers in (forgetting, score))
    bars = ax.errorbar(x, y, xerr=_error(forgetting), yerr=_error(score), color=color, capsize=2)
    bars.lines[0].set(marker=style.marker, linestyle="none")
    bars.set_label(label)


def tradeoff(board: Board) -> "Figure":
    """Average forgetting against average score of each method, with 95 % t intervals; the base model's score
    is a line."""
    metrics, drawn, scales = _metrics(board), styles(board), board.scales
    figure, axes = panels(len(metrics), len(metrics))
    repeated = any(len({order for order, _ in entry.runs}) > 1 for entry in board.entries.values())
    bars = "\nbars: 95 % intervals over the orders" if repeated else ""
    for ax, metric in zip(axes, metrics, strict=True):
        for label, entry in finished(board).items():
            _point(ax, board, entry, metric, drawn[label])
        scale = scales[metric]
        ax.set(
            title=text(metric),
            xlabel=f"average forgetting (lower is better){bars}",
            ylabel=f"average {_quantity(scale)} ({scale.better} is better)",
        )
    legend(figure, axes)
    return figure


def length(board: Board) -> "Figure":
    """Average score and average forgetting over the tasks learned so far, and the seconds that a task adds;
    95 % intervals over orders at the end of the stream."""
    from matplotlib.ticker import MaxNLocator

    metrics, drawn = _metrics(board), styles(board)
    figure, axes = panels(2 * len(metrics) + 1, 2)
    for place, (label, entry) in enumerate(finished(board).items()):
        style = drawn[label]
        for k, metric in enumerate(metrics):
            curve = growth(entry, metric)
            lost = [(p.tasks, p.forgetting.mean, p.forgetting_interval) for p in curve if p.forgetting]
            _curve(
                axes[2 * k], [(p.tasks, p.score.mean, p.score_interval) for p in curve], style, label, place
            )
            _curve(axes[2 * k + 1], lost, style, label, place)
        _curve(axes[-1], [(p.tasks, p.added_seconds, None) for p in curve], style, label, place)
    titles = [(text(m), f"average {summary}") for m in metrics for summary in ("score", "forgetting")]
    for ax, (name, ylabel) in zip(axes, [*titles, ("cost", "seconds added by the last task")], strict=True):
        ax.set(title=name, xlabel="tasks learned", ylabel=ylabel)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(figure, axes)
    return figure


Points = Sequence[tuple[int, float, tuple[float, float] | None]]
"""Number of tasks, mean, interval."""


def _curve(ax: "Axes", points: Points, style: Style, label: str, place: int) -> None:
    """A line through the means, and the last point's interval, beside it so that methods do not overlap."""
    x, y = [k for k, _, _ in points], [mean for _, mean, _ in points]
    ax.plot(x, y, color=style.color, marker=style.marker, linestyle=style.dashes, label=text(label))
    if points and (ends := points[-1][2]):
        beside = x[-1] + 0.03 * x[-1] * (place + 1)
        ax.plot([beside, beside], ends, color=style.color, linewidth=1.2)
        ax.plot([beside], [y[-1]], color=style.color, marker=style.marker, markersize=3)


Named = tuple[str, Callable[[], "Figure"]]
"""A figure's name, and the function that draws it."""


def figures(board: Board) -> Iterator[Named]:
    """The name and drawing function of each figure. Raises BadInput if no run of the board is complete."""
    if not finished(board):
        raise BadInput(
            f"no complete run of {board.suite} on {board.track.name}; `cbench run` resumes those that ended "
            "early"
        )
    stem = f"{board.track.name}-{board.suite}"
    yield f"{stem}-first_task", partial(first_task, board)
    yield f"{stem}-tradeoff", partial(tradeoff, board)
    yield f"{stem}-length", partial(length, board)
    for metric in _metrics(board):
        yield f"{stem}-heatmap-{metric}", partial(heatmap, board, metric)


def draw(boards: Sequence[Board], folder: Path, more: Sequence[Named] = ()) -> list[Path]:
    """Draw every figure of some boards, and `more`, as SVG and PNG; the paths written. Raises BadInput if two
    boards share a name or the folder is not writable."""
    import matplotlib

    if len({(board.track.name, board.suite) for board in boards}) < len(boards):
        raise BadInput(
            "these records are of several protocols with the same name, and their figures would have the "
            "same names; choose one with --track"
        )
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(LOOK):
            for name, make in (*(pair for board in boards for pair in figures(board)), *more):
                figure = make()
                for suffix, stamp in STAMPS.items():
                    written.append(folder / f"{name}.{suffix}")
                    figure.savefig(written[-1], metadata=stamp, bbox_inches="tight")
    except OSError as error:
        raise BadInput(f"{folder}: figures cannot be written: {error.strerror}") from error
    return written

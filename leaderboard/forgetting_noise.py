"""How much forgetting a method shows through noisy cells alone."""

from typing import Any, NamedTuple

from cbench.leaderboard.collect import BASE, Entry
from cbench.leaderboard.statistics import cell_noise, forgetting_floor
from cbench.leaderboard.summaries import history


class NoiseFloor(NamedTuple):
    """The noise of a method's cells, and the forgetting that it imitates."""

    metric: str
    noise: float
    """Standard deviation of the part of a cell that is gone at the next task."""
    floor: float
    """Average forgetting to expect if nothing is forgotten."""

    def data(self) -> dict[str, Any]:
        """The floor for programs."""
        return self._asdict()


def noise_floor(entry: Entry, metric: str) -> NoiseFloor | None:
    """The floor from the score histories of all tasks and runs; None for the base model and for streams that
    are too short."""
    matrices = [record.scores[metric] for record in entry.runs.values() if metric in record.scores]
    histories = [history(scores, j) for scores in matrices for j in range(len(scores.rows))]
    noise = None if entry.method.name == BASE else cell_noise(histories)
    if noise is None:
        return None
    return NoiseFloor(metric, noise, forgetting_floor(noise, len(matrices[0].rows)))

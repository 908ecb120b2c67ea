"""The measures beside the concept scores, as one metric sees them: pure functions of stored images,
references and texts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cbench.companions import Beside, Row
from cbench.errors import BadInput
from cbench.images import load_image, read_sheet
from cbench.metric import Metric, TextMetric
from cbench.stages.score import embed, embed_texts
from cbench.task import Task
from cbench.workbench import Made, Workbench


class Shown(NamedTuple):
    """The images that the measures look at, an entry for each learned task."""

    own: Sequence[Made]
    """Of the task's prompts by the final model, and"""
    own_base: Sequence[Made]
    """by the base model: both as the run left them."""
    plain: Sequence[Made]
    """Of the prompts without the identifier by the final model, and"""
    plain_base: Sequence[Made]
    """by the base model."""
    generic: Sequence[Made]
    """Of the generic prompts before the stream and after it; empty where the track names none."""
    before: Sequence[Made]
    """Of each task's prompts by the model before that task, from the second on; empty unless asked for."""


class Eye:
    """A metric that looks at stored images and references."""

    def __init__(self, bench: Workbench, name: str) -> None:
        self.metric: Metric = bench.metric(name)
        self.side = bench.track.backbone.resolution

    def images(self, made: Made) -> np.ndarray:
        """Unit embeddings of an entry's images."""
        return embed(self.metric, read_sheet(made.folder / "images.png", self.side))

    def references(self, task: Task) -> np.ndarray:
        """Unit embeddings of a task's references."""
        return embed(self.metric, [load_image(path) for path in task.references])

    def texts(self, prompts: Sequence[str]) -> np.ndarray:
        """Unit embeddings of texts; BadInput where the metric reads none."""
        if not isinstance(self.metric, TextMetric):
            raise BadInput(
                f"metric {self.metric.name} reads no texts (it has no embed_texts): it cannot measure "
                "prompt alignment"
            )
        return embed_texts(self.metric, prompts)


def beside(eye: Eye, shown: Shown, tasks: Sequence[Task]) -> Beside:
    """One metric's measures; a similarity is the mean over all pairs of cos(image, reference), as in the
    score matrix."""
    references = [eye.references(task) for task in tasks]

    def against_own(made: Sequence[Made], of: Sequence[np.ndarray]) -> Row:
        return tuple(float((eye.images(m) @ r.T).mean()) for m, r in zip(made, of, strict=True))

    # for each task's images, images x tasks: how much each is like each concept
    likeness = [
        np.stack([(images @ r.T).mean(1) for r in references], 1) for images in map(eye.images, shown.own)
    ]
    generic = [eye.images(made) for made in shown.generic]
    return Beside(
        kept=float((generic[0] * generic[1]).sum(1).mean()) if generic else None,
        leakage=against_own(shown.plain, references),
        leakage_base=against_own(shown.plain_base, references),
        confusion=tuple(tuple(map(float, found.mean(0))) for found in likeness),
        mistaken=tuple(float((found.max(1) > found[:, j]).mean()) for j, found in enumerate(likeness)),
        before=against_own(shown.before, references[1:]) if shown.before else (),
    )


def alignment(eye: Eye, made: Sequence[Made], tasks: Sequence[Task], count: int) -> Row:
    """Per task the mean cosine of each image with the text of its own prompt, identifier removed; `count`
    images a prompt."""
    texts = [np.repeat(eye.texts(task.plain_prompts), count, 0) for task in tasks]
    return tuple(float((eye.images(m) * t).sum(1).mean()) for m, t in zip(made, texts, strict=True))

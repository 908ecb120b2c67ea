"""Distances between two sets of images in an encoder's space: KID and CMMD; and the diversity of one set.

Both distances are a squared maximum mean discrepancy (MMD, Gretton et al. 2012, JMLR 13), estimated without
bias, so that the number of images does not move their mean; a small set may give a number below 0."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from cbench.errors import BadInput
from cbench.metrics.clip import ClipL336
from cbench.metrics.dinov2 import DinoV2
from cbench.metrics.mini import MiniClipI, MiniDino
from cbench.resources.hub import HubFile
from cbench.scale import Scale
from cbench.utils.digest import digest_json

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Rows n x d and m x d -> n x m."""


def cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """KID's kernel (x . y / d + 1)^3 (Binkowski et al. 2018, arXiv 1801.01401)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def gaussian(x: np.ndarray, y: np.ndarray, sigma: float = 10.0) -> np.ndarray:
    """CMMD's kernel exp(-|x - y|^2 / (2 sigma^2)), sigma 10 (Jayasumana et al. 2024, arXiv 2401.09603)."""
    squares = (x**2).sum(1)[:, None] + (y**2).sum(1)[None, :] - 2 * x @ y.T
    return np.exp(-squares / (2 * sigma**2))


def mmd2(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> float:
    """Unbiased MMD^2 of independent samples, n x d and m x d with n, m > 1 (Gretton et al. 2012, eq. 3):

    mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_{i, j} k(x_i, y_j)."""
    return _mean_of_others(kernel(x, x)) + _mean_of_others(kernel(y, y)) - 2 * float(kernel(x, y).mean())


def paired_mmd2(x: np.ndarray, y: np.ndarray, kernel: Kernel) -> float:
    """Unbiased MMD^2 of pairs (x_i, y_i), n x d each with n > 1, where x_i may depend on y_i (Gretton et al.
    2012, lemma 6): as `mmd2`, but without the pairs in the last mean. 0 for equal sets."""
    between = _mean_of_others(kernel(x, y))
    return _mean_of_others(kernel(x, x)) + _mean_of_others(kernel(y, y)) - 2 * between


def _mean_of_others(kernel: np.ndarray) -> float:
    """The mean without the diagonal."""
    n = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))


def mean_pairwise_distance(x: np.ndarray) -> float:
    """mean_{i != j} of 1 - cos(x_i, x_j), for rows n x d with n > 1."""
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    return 1 - _mean_of_others(units @ units.T)


class OfEncoder:
    """A metric of sets of images, computed from their embeddings. A subclass names the encoder."""

    name: ClassVar[str]
    title: ClassVar[str]
    scale: ClassVar[Scale]
    encoder: ClassVar[Any]
    weights: ClassVar[HubFile | None] = None
    """The encoder's, for `cbench prepare`."""

    def __init__(self, device: str) -> None:
        self.space = self.encoder(device)

    @property
    def digest(self) -> str:
        """Identity of the encoder and of the formula."""
        return digest_json([self.name, self.space.digest])

    def embed_set(self, images: Sequence[Image.Image], what: str) -> np.ndarray:
        """Embeddings n x d in float64, not normalised; BadInput for a single image, which has no pairs."""
        if len(images) < 2:
            raise BadInput(f"metric {self.name} needs at least two {what}, there is {len(images)}")
        return np.asarray(self.space.embed(images), dtype=np.float64)


class Kid(OfEncoder):
    """Kernel inception distance x 1000, with a newer encoder in the place of Inception-v3 (Stein et
    al. 2023, arXiv 2306.04675): MMD^2 with a cubic kernel over embeddings as they are."""

    scale = Scale(unit="MMD² x 1000", better="lower")
    normalised: ClassVar[bool] = False

    @staticmethod
    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Rows n x d and m x d -> n x m."""
        return cubic(x, y)

    def compare(self, images: Sequence[Image.Image], others: Sequence[Image.Image], paired: bool) -> float:
        """MMD^2 x 1000; `paired` sets have as many images each."""
        x, y = self.embed_set(images, "images"), self.embed_set(others, "images to compare with")
        if self.normalised:
            x, y = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (x, y))
        return 1000 * (paired_mmd2 if paired else mmd2)(x, y, self.kernel)


class KidDinoV2(Kid):
    """KID of DINOv2's embeddings."""

    name, title = "kid_dinov2", "KID of DINOv2"
    encoder: ClassVar[Any] = DinoV2
    weights: ClassVar[HubFile | None] = DinoV2.weights


class MiniKid(Kid):
    """KID of `mini_dino`'s embeddings."""

    name, title = "mini_kid", "mini KID"
    encoder: ClassVar[Any] = MiniDino


class Cmmd(Kid):
    """CMMD: MMD^2 x 1000 with a Gaussian kernel, sigma 10, over normalised CLIP embeddings (Jayasumana et al.
    2024). The estimate is the paper's, without bias; their code's includes i = j, which adds about
    2000 (1 - mean k) / n to n images."""

    name, title = "cmmd", "CMMD"
    encoder: ClassVar[Any] = ClipL336
    weights: ClassVar[HubFile | None] = ClipL336.weights
    normalised = True

    @staticmethod
    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Rows n x d and m x d -> n x m."""
        return gaussian(x, y)


class MiniCmmd(Cmmd):
    """CMMD's formula over `mini_clip_i`'s embeddings."""

    name, title = "mini_cmmd", "mini CMMD"
    encoder: ClassVar[Any] = MiniClipI
    weights: ClassVar[HubFile | None] = None


class Diversity(OfEncoder):
    """Diversity of a cell: mean over all pairs of its images of 1 - cosine similarity. 0: all alike. The
    images to compare with have no part in it."""

    name, title = "diversity_dinov2", "Diversity by DINOv2"
    encoder: ClassVar[Any] = DinoV2
    weights: ClassVar[HubFile | None] = DinoV2.weights
    scale = Scale(unit="1 - cosine similarity", better="higher", low=0, high=2)

    def compare(self, images: Sequence[Image.Image], others: Sequence[Image.Image], paired: bool) -> float:
        """The mean pairwise distance of `images`."""
        return mean_pairwise_distance(self.embed_set(images, "images"))


class MiniDiversity(Diversity):
    """Diversity by `mini_dino`'s embeddings."""

    name, title = "mini_diversity", "mini diversity"
    encoder: ClassVar[Any] = MiniDino
    weights: ClassVar[HubFile | None] = None

"""The fourth stage: measure(frozen, adapter, images, kind, draws, ...) -> tensors, for the hook `gather`.

The draws of image, timestep and noise are those of a training, without prior images, penalty and rehearsal.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from cbench.backbone.backbone import Backbone
from cbench.stages.batching import first_that_fits, halves
from cbench.stages.train import Denoising, EncodedImages, Learns, TrainingData, attached, savings
from cbench.track import Training
from cbench.update import Adapter, Update, flat
from cbench.utils.interrupt import check_interrupt


class InputMoments:
    """Sums of x x^T over the inputs of linear layers. Layers that are fed the same tensor share one
    matrix."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.counts: dict[str, int] = {}
        self.owners: dict[str, str] = {}
        """Layer -> the layer that has its matrix."""
        self._recent: dict[str, Tensor] = {}

    def see(self, name: str, module: torch.nn.Module, args: tuple[Any, ...]) -> None:
        """Add the inputs of one forward pass of a layer."""
        if name not in self.owners:
            self.owners[name] = next((self.owners[n] for n, x in self._recent.items() if x is args[0]), name)
        self._recent = {n: x for n, x in [*self._recent.items()][-3:] if n != name} | {name: args[0]}
        if self.owners[name] == name:
            with torch.autocast(args[0].device.type, enabled=False):  # else the sums are rounded to bf16
                rows = args[0].detach().float().flatten(0, -2)
                self.sums[name] = self.sums.get(name, 0) + rows.T @ rows
            self.counts[name] = self.counts.get(name, 0) + len(rows)

    def means(self) -> dict[str, Tensor]:
        """Layer -> mean of x x^T, d_in x d_in, on the CPU."""
        means = {name: (total / self.counts[name]).cpu() for name, total in self.sums.items()}
        return {name: means[owner] for name, owner in self.owners.items()}


@torch.no_grad()
def measure_inputs(
    backbone: Backbone,
    model: Update,
    images: EncodedImages,
    draws: int,
    seed: torch.Generator,
    settings: Training,
) -> Mapping[str, Tensor]:
    """Layer -> mean of x x^T over the inputs of every adapted layer of W0 + `model`, in `draws` noised
    images.

    If memory runs out, the same draws pass the denoiser in smaller parts. BadInput if one is too many."""
    beginning = seed.get_state()

    def work(part: int) -> Mapping[str, Tensor]:
        seed.set_state(beginning)
        moments, denoising = InputMoments(), Denoising(backbone, backbone.denoiser, settings)
        with _hooked(backbone, settings, moments), denoising.precision:
            for first in range(0, draws, settings.batch):
                check_interrupt(first, draws)
                count = min(settings.batch, draws - first)
                batch = denoising.draw(TrainingData(images), count, 0, seed)
                for row in range(0, count, part):
                    denoising.guess(batch.rows(slice(row, row + part)))
        return moments.means()

    with backbone.folded(model):
        return first_that_fits(halves(settings.batch), work, "measure the inputs of one image at a time")


@contextmanager
def _hooked(backbone: Backbone, settings: Training, moments: InputMoments) -> Iterator[None]:
    handles = [
        backbone.denoiser.get_submodule(name).register_forward_pre_hook(partial(moments.see, name))
        for name in backbone.layers(settings)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def measure_fisher(
    backbone: Backbone,
    frozen: Update,
    adapter: Adapter,
    images: EncodedImages,
    draws: int,
    seed: torch.Generator,
    learns: Learns,
    settings: Training,
) -> Mapping[str, Tensor]:
    """The adapter's tensors with the mean over `draws` of the squared gradient of the denoising loss of ONE
    draw.

    The diagonal of the empirical Fisher matrix (Kirkpatrick et al. 2017). A is left out if it is not
    trained. If memory runs out, activations are recomputed, as in a training; BadInput if that does not
    suffice."""
    beginning = seed.get_state()

    def work(saving: bool) -> Mapping[str, Tensor]:
        seed.set_state(beginning)
        backbone.saves_memory = saving
        with attached(backbone, adapter, learns) as live:
            return _fisher(
                Denoising(backbone, backbone.denoiser.train(), settings), live, images, draws, seed
            )

    with backbone.folded(frozen):
        return first_that_fits(savings(backbone), work, "measure the Fisher information of one image")


def _fisher(
    denoising: Denoising, live: Adapter, images: EncodedImages, draws: int, seed: torch.Generator
) -> Mapping[str, Tensor]:
    parameters = {name: p for name, p in flat(live).items() if p.requires_grad}
    sums = {name: torch.zeros_like(p) for name, p in parameters.items()}
    for draw in range(draws):
        check_interrupt(draw, draws)
        batch = denoising.draw(TrainingData(images), 1, 0, seed)
        with denoising.precision:
            loss = mse_loss(denoising.guess(batch), denoising.target(batch))
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        for total, gradient in zip(sums.values(), gradients, strict=True):
            total += gradient.square()
    return {name: (total / draws).cpu() for name, total in sums.items()}

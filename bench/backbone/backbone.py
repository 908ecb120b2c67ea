"""A loaded diffusion pipeline on a device, and the layers of its denoiser (UNet or transformer) that adapters
change.

One of the few objects with state: the denoiser's weights, which `folded` changes and restores, and on a GPU
the device of the other parts: text encoders and VAE are on it only while they are used."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from cbench.backbone.family import Family
from cbench.backbone.prompts import PromptEmbeddings
from cbench.errors import BadInput
from cbench.track import Training
from cbench.update import Update


class Backbone:
    """The pipeline of a track on a device. If the denoiser is not in fp32, `exact` has the adapted layers'
    weights in fp32."""

    def __init__(self, family: Family, exact: Update | None = None) -> None:
        self.family, self.exact = family, exact or {}
        self.pipeline, self.resolution, self.denoiser = family.pipeline, family.resolution, family.denoiser
        self.vae: Any = self.pipeline.vae
        self.saves_memory = False
        """Whether training recomputes its activations; set after a training that did not fit in memory."""
        self._encoded: dict[tuple[str, ...], PromptEmbeddings] = {}
        self._folded: Update | None = None
        """The update that is folded in now."""
        for part in self.parts:
            part.requires_grad_(False).eval()
        if self.device.type != "cpu":
            self._move([part for part in self.parts if part is not self.denoiser], "cpu")
            self.vae.enable_slicing()

    @property
    def parts(self) -> list[torch.nn.Module]:
        """The networks of the pipeline."""
        return [part for part in self.pipeline.components.values() if isinstance(part, torch.nn.Module)]

    @property
    def device(self) -> torch.device:
        """The device of the denoiser."""
        return next(self.denoiser.parameters()).device

    def layers(self, settings: Training) -> dict[str, tuple[int, int]]:
        """The adapted layers: name -> (d_out, d_in)."""
        shapes = {
            name: (module.out_features, module.in_features)
            for name, module in self.denoiser.named_modules()
            if isinstance(module, torch.nn.Linear)
            and name.endswith(settings.layers)
            and any(part in name for part in settings.inside)
        }
        if not shapes:
            raise BadInput(f"no layer of this backbone ends in one of {', '.join(settings.layers)}")
        return shapes

    @contextmanager
    def present(self, *parts: torch.nn.Module) -> Iterator[None]:
        """Move these parts to the denoiser's device, and away from a GPU afterwards."""
        self._move(parts, self.device)
        try:
            yield
        finally:
            if self.device.type != "cpu":
                self._move(parts, "cpu")

    @staticmethod
    def _move(parts: Sequence[torch.nn.Module], device: torch.device | str) -> None:
        for part in parts:
            part.to(device)

    @contextmanager
    def folded(self, update: Update) -> Iterator[None]:
        """The denoiser with weights W0 + update; W0 is restored bit by bit. Folding in the same update again
        within the context changes nothing; another update is an error.

        The sum is computed in fp32, from fp32 weights, and then rounded to the denoiser's precision: added to
        a weight already rounded to bf16, anything smaller than 1/512 of it would be lost. If `exact` has W0,
        it is restored from there and takes no extra memory."""
        if self._folded is update:
            yield
            return
        if self._folded is not None:
            raise RuntimeError("another update is folded in already")
        original = {}
        for name, change in update.items():
            self._check(name, change)
        self._folded = update
        try:
            with torch.no_grad():
                for name, change in update.items():
                    weight = self.denoiser.get_submodule(name).weight
                    original[name] = self.exact[name] if name in self.exact else weight.clone()
                    source = self.exact.get(name, weight)
                    weight.copy_(source.to(weight.device).float() + change.to(weight.device))
            yield
        finally:
            self._folded = None
            with torch.no_grad():
                for name, weight in original.items():
                    current = self.denoiser.get_submodule(name).weight
                    current.copy_(weight.to(current.device))  # rounded on its device, not on the CPU

    def _check(self, name: str, change: Tensor) -> None:
        """Raises BadInput if an update does not fit the denoiser."""
        try:
            shape = self.denoiser.get_submodule(name).weight.shape
        except AttributeError as error:
            raise BadInput(f"an update of {name}, a layer that this backbone does not have") from error
        if change.shape != shape:
            raise BadInput(
                f"an update of {name} has shape {tuple(change.shape)}, the layer of this backbone "
                f"{tuple(shape)}"
            )

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> PromptEmbeddings:
        """The prompts through the text encoder(s); embeddings are cached."""
        key = tuple(prompts)
        if key not in self._encoded:
            encoders = [
                part
                for name, part in self.pipeline.components.items()
                if part is not None and name.startswith("text_encoder")
            ]
            with self.present(*encoders):
                self._encoded[key] = self.family.encode_prompts(key, self.device)
        return self._encoded[key]

    def encode_empty_prompt(self) -> PromptEmbeddings:
        """The unconditional embedding for guidance, one row."""
        return self.family.unconditional(self.encode_prompts([""]))

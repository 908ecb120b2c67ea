"""A loaded diffusion pipeline of the Stable Diffusion family, and the layers of its UNet that adapters
change.

One of the few objects with state: the UNet's weights, which `folded` changes and restores, and on a GPU the
device of the other parts: text encoders and VAE are on it only while they are used."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cbench.errors import BadInput
from cbench.track import Training
from cbench.update import Update


class PromptEmbeddings(NamedTuple):
    """Prompts as the UNet takes them, each n x ...: token states, and SDXL's pooled embedding (else None)."""

    states: Tensor
    pooled: Tensor | None

    def rows(self, index: Sequence[int] | Tensor | slice) -> "PromptEmbeddings":
        """The embeddings of some of the prompts."""
        return PromptEmbeddings(self.states[index], None if self.pooled is None else self.pooled[index])


NOISE = {"beta_start", "beta_end", "beta_schedule", "trained_betas", "num_train_timesteps", "prediction_type"}
"""The numbers of a scheduler that say what the model was trained on."""


def _noising(config: Mapping[str, Any]) -> dict[str, Any]:
    """A scheduler's numbers, from which another class can be made: where a file leaves out some of NOISE, the
    other class takes those of this one, and not its own defaults."""
    left_out = set(config.get("_use_default_values", ())) - NOISE
    return {**config, "_use_default_values": sorted(left_out)}


class Backbone:
    """The pipeline of a track on a device. If the UNet is not in fp32, `exact` has the adapted layers'
    weights in fp32."""

    def __init__(self, pipeline: Any, resolution: int, exact: Update | None = None) -> None:
        self.pipeline, self.resolution, self.exact = pipeline, resolution, exact or {}
        self.unet, self.vae = pipeline.unet, pipeline.vae
        self.noising = _noising(pipeline.scheduler.config)
        """The scheduler's original settings for training: sampling may replace the pipeline's scheduler."""
        self.saves_memory = False
        """Whether training recomputes its activations; set after a training that did not fit in memory."""
        self._encoded: dict[tuple[str, ...], PromptEmbeddings] = {}
        self._folded: Update | None = None
        """The update that is folded in now."""
        self._sizes: dict[tuple[int, torch.dtype], Tensor] = {}
        for part in self.parts:
            part.requires_grad_(False).eval()
        if self.device.type != "cpu":
            self._move([part for part in self.parts if part is not self.unet], "cpu")
            self.vae.enable_slicing()

    @property
    def parts(self) -> list[torch.nn.Module]:
        """The networks of the pipeline."""
        return [part for part in self.pipeline.components.values() if isinstance(part, torch.nn.Module)]

    @property
    def device(self) -> torch.device:
        """The device of the UNet."""
        return next(self.unet.parameters()).device

    def layers(self, settings: Training) -> dict[str, tuple[int, int]]:
        """The adapted layers: name -> (d_out, d_in)."""
        shapes = {
            name: (module.out_features, module.in_features)
            for name, module in self.unet.named_modules()
            if isinstance(module, torch.nn.Linear)
            and name.endswith(settings.layers)
            and any(part in name for part in settings.inside)
        }
        if not shapes:
            raise BadInput(f"no layer of this UNet ends in one of {', '.join(settings.layers)}")
        return shapes

    @contextmanager
    def present(self, *parts: torch.nn.Module) -> Iterator[None]:
        """Move these parts to the UNet's device, and away from a GPU afterwards."""
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
        """The UNet with weights W0 + update; W0 is restored bit by bit. Folding in the same update again
        within the context changes nothing; another update is an error.

        The sum is computed in fp32, from fp32 weights, and then rounded to the UNet's precision: added to a
        weight already rounded to bf16, anything smaller than 1/512 of it would be lost. If `exact` has W0, it
        is restored from there and takes no extra memory."""
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
                    weight = self.unet.get_submodule(name).weight
                    original[name] = self.exact[name] if name in self.exact else weight.clone()
                    source = self.exact.get(name, weight)
                    weight.copy_(source.to(weight.device).float() + change.to(weight.device))
            yield
        finally:
            self._folded = None
            with torch.no_grad():
                for name, weight in original.items():
                    current = self.unet.get_submodule(name).weight
                    current.copy_(weight.to(current.device))  # rounded on its device, not on the CPU

    def _check(self, name: str, change: Tensor) -> None:
        """Raises BadInput if an update does not fit the UNet."""
        try:
            shape = self.unet.get_submodule(name).weight.shape
        except AttributeError as error:
            raise BadInput(f"an update of {name}, a layer that this UNet does not have") from error
        if change.shape != shape:
            raise BadInput(
                f"an update of {name} has shape {tuple(change.shape)}, the layer of this UNet {tuple(shape)}"
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
                embeddings = self.pipeline.encode_prompt(
                    list(key),
                    device=self.device,
                    num_images_per_prompt=1,
                    do_classifier_free_guidance=False,
                )
            pooled = embeddings[2] if len(embeddings) == 4 else None
            self._encoded[key] = PromptEmbeddings(embeddings[0], pooled)
        return self._encoded[key]

    def encode_empty_prompt(self) -> PromptEmbeddings:
        """The unconditional embedding for guidance, one row: the empty prompt's, or zeros (SDXL)."""
        empty = self.encode_prompts([""])
        if not self.pipeline.config.get("force_zeros_for_empty_prompt"):
            return empty
        pooled = None if empty.pooled is None else torch.zeros_like(empty.pooled)
        return PromptEmbeddings(torch.zeros_like(empty.states), pooled)

    def conditions(self, prompts: PromptEmbeddings, sizes: Tensor | None = None) -> dict[str, Any]:
        """The UNet's keyword arguments for these prompts.

        SDXL's size conditioning is `sizes`, n x 6 (original height and width, crop top and left, target
        height and width), or `resolution` uncropped."""
        if prompts.pooled is None:
            return {"encoder_hidden_states": prompts.states}
        if sizes is not None:
            time_ids = sizes.to(prompts.pooled.dtype)
            conditions = {"text_embeds": prompts.pooled, "time_ids": time_ids}
            return {"encoder_hidden_states": prompts.states, "added_cond_kwargs": conditions}
        side, kind = self.resolution, (len(prompts.states), prompts.pooled.dtype)
        if kind not in self._sizes:  # cached: a GPU would wait for the copy at every step
            self._sizes[kind] = torch.tensor(
                [[side, side, 0, 0, side, side]] * kind[0], device=self.device, dtype=kind[1]
            )
        return {
            "encoder_hidden_states": prompts.states,
            "added_cond_kwargs": {"text_embeds": prompts.pooled, "time_ids": self._sizes[kind]},
        }

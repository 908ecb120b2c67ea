"""A loaded diffusion pipeline of the Stable Diffusion family, and the layers of its UNet that adapters touch.

This is one of the few objects with state: the weights of the UNet, which `folded` changes and puts back, and
on a GPU where the other parts lie: text encoders and VAE are there only while they are used."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from cbench.errors import BadInput
from cbench.track import Training
from cbench.update import Update


class PromptEmbeddings(NamedTuple):
    """A prompt as the UNet reads it, each n x ...: token states, and SDXL's pooled embedding (None
    elsewhere)."""

    states: Tensor
    pooled: Tensor | None

    def rows(self, index: Sequence[int] | Tensor) -> "PromptEmbeddings":
        """The words of some of the prompts."""
        return PromptEmbeddings(self.states[index], None if self.pooled is None else self.pooled[index])


NOISE = {"beta_start", "beta_end", "beta_schedule", "trained_betas", "num_train_timesteps", "prediction_type"}
"""The numbers of a scheduler that say what the model was trained on."""


def _noising(config: Mapping[str, Any]) -> dict[str, Any]:
    """A scheduler's numbers, from which another class can be made: where a file leaves out some of NOISE, the
    other class takes those of this one, and not its own defaults."""
    left_out = set(config.get("_use_default_values", ())) - NOISE
    return {**config, "_use_default_values": sorted(left_out)}


class Backbone:
    """The pipeline of a track on a device. `exact` holds, for a UNet of less than fp32, the adapted layers'
    weights in fp32."""

    def __init__(self, pipeline: Any, resolution: int, exact: Update | None = None) -> None:
        self.pipeline, self.resolution, self.exact = pipeline, resolution, exact or {}
        self.unet, self.vae = pipeline.unet, pipeline.vae
        self.noising = _noising(pipeline.scheduler.config)
        """The scheduler's numbers as they came: sampling may give the pipeline another scheduler, training
        must not notice."""
        self.saves_memory = False
        """Whether a training did not fit with its activations kept, so that the next ones compute them again
        from the start."""
        self._read: dict[tuple[str, ...], PromptEmbeddings] = {}
        self._within: Update | None = None
        """The update that is folded in."""
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
        """Where the UNet lies."""
        return next(self.unet.parameters()).device

    def layers(self, settings: Training) -> dict[str, tuple[int, int]]:
        """The adapted layers: name -> (d_out, d_in)."""
        found = {
            name: (module.out_features, module.in_features)
            for name, module in self.unet.named_modules()
            if isinstance(module, torch.nn.Linear)
            and name.endswith(settings.layers)
            and any(part in name for part in settings.inside)
        }
        if not found:
            raise BadInput(f"no layer of this UNet ends in one of {', '.join(settings.layers)}")
        return found

    @contextmanager
    def present(self, *parts: torch.nn.Module) -> Iterator[None]:
        """These parts on the UNet's device; afterwards they leave a GPU again."""
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
        """The UNet with W0 + update; W0 is put back bit by bit. Within it the same update again changes
        nothing, and another is an error.

        The sum is taken in fp32, of fp32 weights, and only then rounded to the UNet's precision: added to a
        weight already rounded to bf16, what is smaller than 1/512 of it would be lost. W0 is the rounded
        `exact` where there is one: no room is taken for it."""
        if self._within is update:
            yield
            return
        if self._within is not None:
            raise RuntimeError("another update is folded in already")
        kept = {}
        for name, change in update.items():
            self._check(name, change)
        self._within = update
        try:
            with torch.no_grad():
                for name, change in update.items():
                    weight = self.unet.get_submodule(name).weight
                    kept[name] = self.exact[name] if name in self.exact else weight.clone()
                    weight.copy_(
                        self.exact.get(name, weight).to(weight.device).float() + change.to(weight.device)
                    )
            yield
        finally:
            self._within = None
            with torch.no_grad():
                for name, weight in kept.items():
                    there = self.unet.get_submodule(name).weight
                    there.copy_(weight.to(there.device))  # rounded there, not on the CPU

    def _check(self, name: str, change: Tensor) -> None:
        """BadInput where an update does not fit the UNet."""
        try:
            wanted = self.unet.get_submodule(name).weight.shape
        except AttributeError as error:
            raise BadInput(f"an update of {name}, a layer that this UNet does not have") from error
        if change.shape != wanted:
            raise BadInput(
                f"an update of {name} of shape {tuple(change.shape)}, where this UNet's has shape "
                f"{tuple(wanted)}"
            )

    @torch.no_grad()
    def encode_prompts(self, prompts: Sequence[str]) -> PromptEmbeddings:
        """The prompts through the text encoder(s); what was read before is remembered."""
        asked = tuple(prompts)
        if asked not in self._read:
            encoders = [
                part
                for name, part in self.pipeline.components.items()
                if part is not None and name.startswith("text_encoder")
            ]
            with self.present(*encoders):
                encoded = self.pipeline.encode_prompt(
                    list(asked),
                    device=self.device,
                    num_images_per_prompt=1,
                    do_classifier_free_guidance=False,
                )
            self._read[asked] = PromptEmbeddings(encoded[0], encoded[2] if len(encoded) == 4 else None)
        return self._read[asked]

    def encode_empty_prompt(self) -> PromptEmbeddings:
        """What guidance leads away from, one row: the empty prompt's words, or zeros where the pipeline was
        trained so (SDXL)."""
        empty = self.encode_prompts([""])
        if not self.pipeline.config.get("force_zeros_for_empty_prompt"):
            return empty
        return PromptEmbeddings(
            torch.zeros_like(empty.states), None if empty.pooled is None else torch.zeros_like(empty.pooled)
        )

    def conditions(self, words: PromptEmbeddings) -> dict[str, Any]:
        """The UNet's keyword arguments for these words; SDXL's size conditioning says `resolution`,
        uncropped."""
        if words.pooled is None:
            return {"encoder_hidden_states": words.states}
        side, kind = self.resolution, (len(words.states), words.pooled.dtype)
        if kind not in self._sizes:  # a GPU would wait for it at every step
            self._sizes[kind] = torch.tensor(
                [[side, side, 0, 0, side, side]] * kind[0], device=self.device, dtype=kind[1]
            )
        sizes = self._sizes[kind]
        return {
            "encoder_hidden_states": words.states,
            "added_cond_kwargs": {"text_embeds": words.pooled, "time_ids": sizes},
        }

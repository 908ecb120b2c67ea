"""A loaded diffusion pipeline of the Stable Diffusion family, and the layers of its UNet that adapters touch.

This is one of the few objects with state: the weights of the UNet, which `folded` changes and puts back.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import DiffusionPipeline
from torch import Tensor

from cbench.digest import digest_tree
from cbench.errors import BadInput
from cbench.track import BackboneSpec, Training
from cbench.update import Update


class Words(NamedTuple):
    """A prompt as the UNet reads it, each n x ...: token states, and SDXL's pooled embedding (None elsewhere)."""

    states: Tensor
    pooled: Tensor | None

    def rows(self, index: Sequence[int] | Tensor) -> "Words":
        """The words of some of the prompts."""
        return Words(self.states[index], None if self.pooled is None else self.pooled[index])


class Backbone:
    """The pipeline of a track on a device."""

    def __init__(self, pipeline: Any, resolution: int) -> None:
        self.pipeline, self.resolution = pipeline, resolution
        self.unet, self.vae = pipeline.unet, pipeline.vae
        for part in pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                part.requires_grad_(False).eval()

    @property
    def device(self) -> torch.device:
        """Where the UNet lies."""
        return next(self.unet.parameters()).device

    def layers(self, numbers: Training) -> dict[str, tuple[int, int]]:
        """The adapted layers: name -> (d_out, d_in)."""
        found = {
            name: (module.out_features, module.in_features)
            for name, module in self.unet.named_modules()
            if isinstance(module, torch.nn.Linear) and name.endswith(numbers.layers) and any(part in name for part in numbers.inside)
        }
        if not found:
            raise BadInput(f"no layer of this UNet ends in one of {', '.join(numbers.layers)}")
        return found

    @contextmanager
    def folded(self, update: Update) -> Iterator[None]:
        """The UNet with W0 + update (added in fp32); W0 is put back bit by bit."""
        kept = {}
        with torch.no_grad():
            for name, change in update.items():
                weight = self.unet.get_submodule(name).weight
                kept[name] = weight.clone()
                weight.copy_(weight.float() + change.to(weight.device))
        try:
            yield
        finally:
            with torch.no_grad():
                for name, weight in kept.items():
                    self.unet.get_submodule(name).weight.copy_(weight)

    @torch.no_grad()
    def read(self, prompts: Sequence[str]) -> Words:
        """The prompts through the text encoder(s)."""
        encoded = self.pipeline.encode_prompt(list(prompts), device=self.device, num_images_per_prompt=1, do_classifier_free_guidance=False)
        return Words(encoded[0], encoded[2] if len(encoded) == 4 else None)

    def conditions(self, words: Words) -> dict[str, Any]:
        """The UNet's keyword arguments for these words; SDXL's size conditioning says `resolution`, uncropped."""
        if words.pooled is None:
            return {"encoder_hidden_states": words.states}
        side = self.resolution
        sizes = torch.tensor([[side, side, 0, 0, side, side]] * len(words.states), device=self.device, dtype=words.pooled.dtype)
        return {"encoder_hidden_states": words.states, "added_cond_kwargs": {"text_embeds": words.pooled, "time_ids": sizes}}


def locate(spec: BackboneSpec, assets: Path) -> Path:
    """The folder of the weights; BadInput says where it was looked for."""
    folder = assets / spec.path
    if not (folder / "model_index.json").is_file():
        raise BadInput(f"no pipeline in {folder} (no model_index.json)")
    return folder


def open_backbone(spec: BackboneSpec, assets: Path, device: str) -> Backbone:
    """Load the pipeline from its folder; BadInput where the weights are others than the track's, or cannot be read."""
    folder = locate(spec, assets)
    if spec.digest and digest_tree(folder) != spec.digest:
        raise BadInput(f"the weights in {folder} are not those of the track (digest {digest_tree(folder)}, wanted {spec.digest})")
    try:
        pipeline = DiffusionPipeline.from_pretrained(folder, torch_dtype=getattr(torch, spec.dtype), local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(f"the pipeline in {folder} cannot be loaded: {' '.join(str(error).split())}") from error
    pipeline.set_progress_bar_config(disable=True)
    return Backbone(pipeline.to(device), spec.resolution)

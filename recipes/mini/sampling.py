"""Asks the trained pipeline for pictures, by the stock call, and lays pictures out as a grid."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from training import DEVICE

STEPS, GUIDANCE, RESCALE = 6, 4.0, 0.5
"""Those of the track."""
PLAIN = {"guidance": 1.0, "steps": 20}
"""Without guidance, in more steps."""


def article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def open_pipeline(work: Path) -> StableDiffusionXLPipeline:
    pipeline = StableDiffusionXLPipeline.from_pretrained(work / "pipeline", local_files_only=True).to(DEVICE)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def sample(
    pipeline: StableDiffusionXLPipeline,
    prompts: Sequence[str],
    seed: int = 0,
    batch: int = 64,
    guidance: float = GUIDANCE,
    steps: int = STEPS,
) -> np.ndarray:
    """One picture a prompt, n x 64 x 64 x 3, uint8; a guidance of 1 is none."""
    generator, parts = torch.Generator().manual_seed(seed), []
    for first in range(0, len(prompts), batch):
        part = list(prompts[first : first + batch])
        images = pipeline(
            prompt=part,
            negative_prompt=[""] * len(part),
            num_inference_steps=steps,
            guidance_scale=guidance,
            guidance_rescale=RESCALE,
            generator=generator,
            height=64,
            width=64,
            output_type="np",
        ).images
        parts.append((images * 255).round().astype(np.uint8))
    return np.concatenate(parts)


def grid(pixels: np.ndarray, columns: int, path: Path) -> None:
    """Write pictures row by row, 2 px apart."""
    rows = -(-len(pixels) // columns)
    sheet = np.full((rows * 66 - 2, columns * 66 - 2, 3), 255, np.uint8)
    for index, picture in enumerate(pixels):
        top, left = index // columns * 66, index % columns * 66
        sheet[top : top + 64, left : left + 64] = picture
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(path, optimize=True)

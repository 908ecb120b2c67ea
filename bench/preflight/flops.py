"""FLOP of a training step and of an image, and memory of a step, for the backbones of the built-in tracks:
lower bounds on the time of a run and on its GPU.

The numbers come from torch's FlopCounterMode on full-size networks without weights
(tests/benchmarks/test_full_size.py)."""

import time
from typing import NamedTuple

from cbench.track import BackboneSpec, Track


class Work(NamedTuple):
    """FLOP of a backbone at its resolution, and the size of its adapter."""

    resolution: int
    forward: float
    """One latent through the denoiser."""
    step: float
    """A LoRA step on one latent: forward, and backward to the adapter."""
    decode: float
    """One latent through the autoencoder's decoder."""
    per_rank: int
    """Parameters of an adapter for each rank."""
    moments: int
    """Numbers in a measurement of the inputs of the study's layers: d_in x d_in for each distinct input."""
    parameters: int
    """Parameters of the denoiser."""


KNOWN = {
    "stabilityai/stable-diffusion-xl-base-1.0": Work(
        1024, 6.7612e12, 14.5575e12, 10.4704e12, 1_451_520, 703_201_280, 2_567_463_684
    ),
    "stable-diffusion-v1-5/stable-diffusion-v1-5": Work(
        512, 0.8033e12, 1.7650e12, 2.5145e12, 199_296, 58_998_784, 859_520_964
    ),
    "stabilityai/stable-diffusion-3.5-medium": Work(
        1024, 11.2496e12, 27.3519e12, 10.4722e12, 746_496, 285_474_816, 2_243_171_520
    ),
    "black-forest-labs/FLUX.2-klein-base-4B": Work(
        1024, 34.8202e12, 77.2826e12, 10.4747e12, 921_600, 3_397_386_240, 3_875_544_576
    ),
}


def known(spec: BackboneSpec) -> Work | None:
    """The work of a backbone, if it was counted at this resolution."""
    work = KNOWN.get(spec.path)
    return work if work and work.resolution == spec.resolution else None


def flop(work: Work, track: Track) -> tuple[float, float]:
    """FLOP of one training step and of one image of a track; guidance runs the denoiser twice at
    each step."""
    latents = track.training.batch + (track.training.prior.batch if track.training.prior else 0)
    passes = track.sampling.steps * (2 if track.sampling.guidance > 1 else 1)
    return latents * work.step, passes * work.forward + work.decode


def min_gpu_memory(work: Work, track: Track) -> int:
    """Bytes that training keeps on the GPU beside activations: the denoiser in the track's precision; the
    adapter's factors and gradients in fp32, their copies in bf16, and AdamW's two moments."""
    weight = 4 if track.backbone.dtype == "float32" else 2
    moments = 2 if track.training.optimizer == "adamw8bit" else 8
    return weight * work.parameters + work.per_rank * track.training.rank * (4 + 4 + 2 + moments)


def rate(device: str, dtype: str) -> float:
    """Measured FLOP/s of a product of large matrices on the device: the best of five."""
    import torch

    side = 8192 if device.startswith("cuda") else 512
    a = torch.ones(side, side, device=device, dtype=getattr(torch, dtype))
    times = []
    for _ in range(5):
        began = time.perf_counter()
        (a @ a)[0, 0].item()  # waits for the device
        times.append(time.perf_counter() - began)
    return 2 * side**3 / min(times)

"""Training sees the latents that the stock pipeline decodes, whatever the autoencoder's settings."""

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from cbench.backbone.backbone import Backbone
from cbench.backbone.families import open_family
from cbench.stages.train import encode_images

MOMENTS = {"latents_mean": [3.0, -2.0, 0.5, 9.0], "latents_std": [2.0, 0.5, 4.0, 1.5]}
CONFIGS = {
    "plain": {},
    "scaled": {"scaling_factor": 0.7},
    "moments": MOMENTS,
    "mean alone": {"latents_mean": MOMENTS["latents_mean"]},
    "shifted": {"shift_factor": 0.6},
    "all": MOMENTS | {"shift_factor": 0.6, "scaling_factor": 1.7},
}
# A moment of 9 is exact to 9 * 2^-24 = 5e-7 in fp32, and the way there and back rounds about eight times; the
# order of the encoder's sums differs with the number of threads. A wrong formula is off by more than 0.1.
ROUNDING = 5e-6


def stock_decode(pipeline, latents, monkeypatch):
    """What the pipeline's own decoding hands its autoencoder for these latents."""
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(
            pipeline.vae, "decode", lambda z, **more: seen.append(z) or (torch.zeros(1, 3, 64, 64),)
        )
        patch.setattr(pipeline.scheduler, "step", lambda *given, **more: (latents,))
        words = pipeline.encode_prompt(
            ["a cat"], device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        more = {"pooled_prompt_embeds": words[2]} if len(words) == 4 else {}
        pipeline(
            prompt_embeds=words[0],
            latents=latents,
            num_inference_steps=1,
            guidance_scale=0.0,
            height=64,
            width=64,
            output_type="pt",
            **more,
        )
    return seen[0]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("kind", ["sdxl_folder", "sd15_folder"])
def test_round_trip(request, monkeypatch, kind, config):
    pipeline = DiffusionPipeline.from_pretrained(request.getfixturevalue(kind))
    pipeline.set_progress_bar_config(disable=True)
    pipeline.vae.register_to_config(**CONFIGS[config])
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    encoded = encode_images(Backbone(open_family(pipeline, 64)), [Image.fromarray(noise)], ["a cat"])
    pixels = torch.from_numpy(noise).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        posterior = pipeline.vae.encode(pixels).latent_dist
    back = stock_decode(pipeline, encoded.mean, monkeypatch)
    assert float((back - posterior.mean).abs().max()) < ROUNDING
    spread = stock_decode(pipeline, encoded.mean + encoded.std, monkeypatch) - back
    assert float((spread - posterior.std).abs().max()) < ROUNDING

"""Copies what the recipe has made into the package: weights in half precision, the streams' pictures, and
what they rest on."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from transformers import ResNetForImageClassification

ASSETS = Path(__file__).parents[2] / "bench" / "assets" / "mini"


def rewrite(path: Path, **more: str) -> None:
    """Drop the folder where the recipe worked from a config, and set fields."""
    config = {key: value for key, value in json.loads(path.read_text()).items() if key != "_name_or_path"}
    path.write_text(json.dumps(config | more, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    work = parser.parse_args().work
    shutil.rmtree(ASSETS, ignore_errors=True)
    pipeline = StableDiffusionXLPipeline.from_pretrained(
        work / "pipeline", torch_dtype=torch.float16, local_files_only=True
    )
    pipeline.save_pretrained(ASSETS / "pipeline", safe_serialization=True)
    for encoder in ("clip_i", "dino", "csd"):
        model = ResNetForImageClassification.from_pretrained(work / "encoders" / encoder, dtype=torch.float16)
        model.save_pretrained(ASSETS / "encoders" / encoder)
    for part in ("model_index.json", "unet/config.json", "vae/config.json"):
        rewrite(ASSETS / "pipeline" / part)
    for part in ("pipeline/text_encoder_2", "encoders/clip_i", "encoders/dino", "encoders/csd"):
        rewrite(
            ASSETS / part / "config.json", dtype="float32"
        )  # else transformers computes in fp16 where nobody names a dtype
    for suite in ("objects", "styles"):
        shutil.copytree(work / "streams" / suite, ASSETS / "streams" / suite)
    total = sum(path.stat().st_size for path in ASSETS.rglob("*") if path.is_file())
    print(f"{total / 1e6:.1f} MB in {ASSETS}")


if __name__ == "__main__":
    main()

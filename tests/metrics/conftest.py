"""Random weights of an encoder under the names of two libraries, and pictures to look at."""

import re

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

FUSED = re.compile(r"(.*?)(?:qkv|in_proj)(?:_|\.)(weight|bias)$")


def renamed(tensors, table, attention):
    """The tensors under another library's names: `table` holds (pattern, replacement); fused projections
    become q, k and v."""
    found = {}
    for name, tensor in tensors.items():
        for pattern, other in table:
            name = re.sub(pattern, other, name)
        fused = FUSED.match(name)
        if fused:
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                found[f"{fused[1]}{attention.format(part)}.{fused[2]}"] = piece
        else:
            found[name] = tensor
    return found


@pytest.fixture
def rename():
    return renamed


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Writes weights where an encoder looks for them, and lets it take others than the published."""

    def write(encoder, tensors, name=None):
        path = tmp_path / "weights" / encoder.weights.repo / (name or encoder.weights.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, path)
        monkeypatch.setenv("CBENCH_WEIGHTS", str(tmp_path / "weights"))
        monkeypatch.setattr(encoder, "weights", encoder.weights._replace(sha256=None))
        return path

    return write


@pytest.fixture(scope="session")
def pictures(photographs):
    """Six photographs, one of them no square, and a picture of noise that is smaller than any encoder's
    input."""
    paths = sorted((photographs / "dreambooth" / "dataset").glob("*/00.jpg"))[:6]
    found = [Image.open(path).convert("RGB") for path in paths]
    found[0] = found[0].crop((0, 0, 768, 512))
    noise = np.random.default_rng(0).integers(0, 255, (120, 120, 3), dtype=np.uint8)
    return [*found, Image.fromarray(noise)]


@pytest.fixture
def same_pixels():
    """Holds an encoder's pixels against transformers' processor, which uses no torchvision; the largest
    difference in units of 1/255."""

    def compare(encoder, pictures):
        import transformers

        # before there was a second one with torchvision, the one with Pillow had the plain name
        plain = getattr(transformers, "CLIPImageProcessorPil", None) or transformers.CLIPImageProcessor
        mean, std = encoder.colours
        other = plain(
            size={"shortest_edge": encoder.side},
            crop_size=224,
            image_mean=mean,
            image_std=std,
            do_convert_rgb=False,
        )
        theirs = np.stack([other(image, return_tensors="np")["pixel_values"][0] for image in pictures])
        ours = np.stack([encoder.preprocess(image).numpy() for image in pictures])
        assert ours.shape == theirs.shape == (len(pictures), 3, 224, 224)
        return float(np.abs((ours - theirs) * np.reshape(std, (3, 1, 1))).max() * 255), theirs

    return compare

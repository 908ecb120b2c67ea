"""Weights: files of a pipeline that are damaged, of something else, or made to run code; adapters and images
that the store holds."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder_2/model.safetensors"
LOAD = "cannot be loaded: "
Damage = Callable[[Path], object]


def put(data: bytes) -> Damage:
    return lambda path: path.write_bytes(data)


def head(text: str, size: int | None = None) -> Damage:
    """A safetensors file of a head alone, that says to be of another size."""
    data = text.encode()
    return put(struct.pack("<Q", len(data) if size is None else size) + data)


def tensors(change: Callable[[dict], object]) -> Damage:
    def damage(path: Path) -> None:
        held = {name: tensor.copy() for name, tensor in load_file(path).items()}
        change(held)
        save_file(held, path)

    return damage


def fields(**values: object) -> Damage:
    return lambda path: path.write_text(json.dumps(json.loads(path.read_text()) | values))


def wipe(held: dict) -> None:
    for tensor in held.values():
        tensor[...] = np.nan


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def pickled(path: Path) -> None:
    """The old form, in which loading may run code."""
    path.unlink()
    path.with_suffix(".bin").write_bytes(b"\x80\x04cos\nsystem\n(S'touch owned'\ntR.")


BINARY: dict[str, Damage] = {
    "empty": put(b""),
    "words": put(b"no weights"),
    "pickle": put(b"\x80\x04cos\nsystem\n(S'touch owned'\ntR."),
    "zip": put(b"PK\x03\x04" + b"\0" * 100),
    "cut": cut,
    "huge head": head("{}", 2**62),
    "head of nonsense": head("[1"),
    "head of a list": head("[]"),
    "no tensors": head("{}"),
    "outside of the file": head('{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'),
    "unknown type": head('{"a":{"dtype":"Q9","shape":[],"data_offsets":[0,0]}}'),
    "other names": tensors(lambda held: held.update({f"../{name}": held.pop(name) for name in list(held)})),
    "other shapes": tensors(
        lambda held: held.update({name: tensor.reshape(1, -1) for name, tensor in held.items()})
    ),
    "one is missing": tensors(lambda held: held.pop(sorted(held)[0])),
}
JSONS: dict[str, Damage] = {
    "empty": put(b""),
    "words": put(b"{"),
    "a list": put(b"[]"),
    "null": put(b"null"),
    "deep": put(b"[" * 99_999),
}
CASES: list[tuple[str, str, Damage, str]] = [
    *[(file, kind, damage, LOAD) for file in (UNET, TEXT, VAE) for kind, damage in BINARY.items()],
    *[(file, "not a number", tensors(wipe), "images that are not finite") for file in (UNET, TEXT, VAE)],
    *[
        (file, kind, damage, LOAD)
        for file in ("model_index.json", "unet/config.json", "tokenizer_2/tokenizer_config.json")
        for kind, damage in JSONS.items()
    ],
    ("model_index.json", "a class of os", fields(unet=["os", "system"]), "its unet is a system"),
    ("model_index.json", "a module of the folder", fields(unet=["evil", "UNet"]), "its unet is a UNet"),
    ("model_index.json", "an unknown pipeline", fields(_class_name="NoPipeline"), "it is a NoPipeline"),
    ("model_index.json", "another pipeline", fields(_class_name="DDPMPipeline"), "it is a DDPMPipeline"),
    ("model_index.json", "code of the folder", fields(_class_name=["evil", "Pipeline"]), "it is a ["),
    ("unet/config.json", "negative widths", fields(block_out_channels=[-16, 32]), LOAD),
    ("unet/config.json", "words for widths", fields(block_out_channels="wide"), LOAD),
    ("unet/config.json", "unknown blocks", fields(down_block_types=["Nothing", "Nothing"]), LOAD),
    (
        "scheduler/scheduler_config.json",
        "an unknown target",
        fields(prediction_type=3),
        "prediction_type is 3",
    ),
    (
        "scheduler/scheduler_config.json",
        "a target that is not trained on",
        fields(prediction_type="sample"),
        "prediction_type is 'sample'",
    ),
    (UNET, "pickled", pickled, "no unet/*.safetensors"),
    (TEXT, "pickled", pickled, "no text_encoder*/*.safetensors"),
    (VAE, "pickled", pickled, LOAD),
]


@pytest.fixture
def words(track_values, sdxl_folder, tmp_path, monkeypatch):
    """`cbench run` on a pipeline that may be damaged."""
    shutil.copytree(sdxl_folder, tmp_path / "model")
    (tmp_path / "model" / "evil.py").write_text("open('owned', 'w')\nclass UNet: ...\nclass Pipeline: ...\n")
    track_values["backbone"]["path"] = str(tmp_path / "model")
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(track_values))
    monkeypatch.chdir(tmp_path)
    lines = [
        "run",
        "--method",
        "base",
        "--suite",
        "colours",
        "--track",
        tmp_path / "tiny.yaml",
        "--results",
        tmp_path / "out",
    ]
    return [*lines, "--limit-tasks", "1"]


@pytest.mark.parametrize(
    ("file", "kind", "damage", "line"), CASES, ids=[f"{file}: {kind}" for file, kind, _, _ in CASES]
)
def test_pipeline(cli, words, tmp_path, file, kind, damage, line):
    damage(tmp_path / "model" / file)
    code, out, error = cli(*words)
    lines = [one for one in error.splitlines() if one.startswith("cbench: ")]
    assert code == 2 and len(lines) == 1 and "Traceback" not in out + error, error
    assert line in lines[0] and "fault of cbench" not in lines[0], error
    assert not (tmp_path / "owned").exists() and not list((tmp_path / "out").rglob("*.json"))

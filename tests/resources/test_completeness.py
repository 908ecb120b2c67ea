"""What an interrupted download leaves is not taken for whole weights."""

import json

import torch
from safetensors.torch import save_file

from cbench.resources.completeness import incomplete_reason

INDEX = "diffusion_pytorch_model.safetensors.index.json"


def test_a_missing_shard_is_named(tmp_path):
    part = tmp_path / "transformer"
    part.mkdir()
    (tmp_path / "model_index.json").write_text(json.dumps({"transformer": ["diffusers", "Kind"]}))
    (part / "config.json").write_text("{}")
    (part / INDEX).write_text(json.dumps({"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}))
    save_file({"a": torch.zeros(1)}, part / "1.safetensors")
    reason = incomplete_reason(tmp_path, ("model_index.json",))
    assert reason == f"no transformer/2.safetensors in {tmp_path}"
    save_file({"b": torch.zeros(1)}, part / "2.safetensors")
    assert incomplete_reason(tmp_path, ("model_index.json",)) is None

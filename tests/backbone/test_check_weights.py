"""Which weights of a network its files lack."""

import json

import torch
from safetensors.torch import save_file

from cbench.backbone.check_weights import missing


def network(dtype=torch.float32):
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Linear(5, 2)).to(dtype)


def test_files_that_hold_all_may_be_many_and_hold_more(tmp_path):
    held = network().state_dict()
    index = {"weight_map": {"0.weight": "a.safetensors", "1.weight": "b.safetensors"}}
    (tmp_path / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    save_file({name: held.pop(name) for name in ("0.weight", "0.bias")}, tmp_path / "a.safetensors")
    save_file(held | {"more": torch.zeros(1)}, tmp_path / "b.safetensors")
    assert missing(network(), tmp_path) == []


def test_old_names_and_another_precision_are_known_by_content(tmp_path):
    old = {
        f"text_model.{name.replace('weight', 'w')}": tensor[..., None].contiguous()
        for name, tensor in network().state_dict().items()
    }
    save_file(old, tmp_path / "diffusion_pytorch_model.safetensors")
    assert missing(network(torch.bfloat16), tmp_path) == []


def test_what_is_not_there_is_named(tmp_path):
    held = network().state_dict()
    save_file(
        {"0.weight": held["0.weight"], "1.weight": held["1.weight"], "old.bias": held["0.bias"] + 1},
        tmp_path / "diffusion_pytorch_model.safetensors",
    )
    assert missing(network(), tmp_path) == ["0.bias", "1.bias"]


def test_weights_that_were_never_filled_are_missing_though_a_file_names_them(tmp_path):
    save_file(network().state_dict(), tmp_path / "diffusion_pytorch_model.safetensors")
    assert missing(network().to("meta"), tmp_path) == ["0.bias", "0.weight", "1.bias", "1.weight"]

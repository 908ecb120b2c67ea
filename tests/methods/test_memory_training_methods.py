"""What the methods that train differently keep after ten tasks on SDXL's shapes, and what a step adds.

The 560 attention layers of SDXL's UNet on the meta device: shapes without numbers. The hooks run on them as
in a run, except for the measured bases, whose size is a bound of their definition (tested with each method).
"""

from functools import cache

import pytest
import torch
from diffusers import UNet2DConditionModel

from cbench.method import Memory
from cbench.plugins.methods import make_method
from cbench.plugins.regime import check_memory
from cbench.run_state import memory_bytes
from cbench.task import Example, Task
from cbench.update import Factors, flat, nbytes

GB, RANK, TASKS = 1e9, 64, 10
CARD, HOST = 80 * GB, 128 * GB
TRAINING = 24 * GB
"""The most that a plain training may take (aim of `tests/benchmarks/test_stages_speed.py`)."""
PLAIN = ("dream", "distill", "ortho_adapt", "c_lora", "n_lora")
LAYERS = ("to_q", "to_k", "to_v", "to_out.0")


@cache
def linear_layers():
    """Layer -> (d_out, d_in), from the published configuration of the UNet."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=128,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            block_out_channels=(320, 640, 1280),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        )
    return {
        name: (layer.out_features, layer.in_features)
        for name, layer in unet.named_modules()
        if name.endswith(LAYERS)
    }


def empty(*shape):
    return torch.empty(*shape, device="meta")


def adapter():
    return {n: Factors(empty(RANK, d_in), empty(d_out, RANK)) for n, (d_out, d_in) in linear_layers().items()}


def task(folder, number):
    """A task with five photographs of 100 kB."""
    paths = [folder / f"{number}-{i}.png" for i in range(5)]
    for path in paths:
        path.write_bytes(bytes(100_000))
    return Task(f"t{number}", tuple(Example(p, "a t") for p in paths), (), ("a t",), ("a",))


def inputs():
    """Layer -> its second moments; layers that are fed alike share one, as in the measurement."""
    blocks: dict[str, torch.Tensor] = {}
    moments = {}
    for name, (_, d_in) in linear_layers().items():
        block, _, layer = name.rpartition(".to_")
        alike = layer.startswith(("k", "v")) or (layer == "q" and block.endswith("attn1"))
        owner = f"{block} read" if alike else name
        moments[name] = blocks.setdefault(owner, empty(d_in, d_in))
    return moments


def after_ten_tasks(method, folder):
    memory = Memory(tasks=TASKS)
    for number in range(TASKS):
        memory = method.keep(memory, adapter(), task(folder, number))._replace(tasks=TASKS)
        if "fisher" in method.gathers:
            memory = method.gather(memory, "fisher", flat(adapter()))
        check_memory(method.name, method.regime, memory, adapter())
        memory = memory._replace(learned=(*memory.learned, "a t"))
    return memory


def test_the_layers_are_those_of_sdxl():
    shapes = linear_layers().values()
    assert len(shapes) == 560 and sum(d_out * d_in for d_out, d_in in shapes) == 955_187_200


@pytest.mark.parametrize(
    "name, expected",
    [
        *((name, 3.82) for name in PLAIN),
        ("l2", 0.37),
        ("ewc", 0.74),
        ("replay", 0.37 + TASKS * 1e-4),
        ("o_lora", 3.82 + TASKS * 0.201),
    ],
)
def test_bytes_kept_after_ten_tasks(name, expected, tmp_path):
    memory = after_ten_tasks(make_method(name, {}), tmp_path)
    assert memory_bytes(memory) / GB == pytest.approx(expected, abs=0.01)
    assert memory_bytes(memory) < HOST


@pytest.mark.parametrize("name, share", [("inflora", 0.5), ("gpm", 1.0)])
def test_measured_bases_are_bounded_whatever_the_number_of_tasks(name, share):
    """At most this share of d columns for each tensor that layers read, and the model."""
    from cbench.subspace import once

    method, dense = make_method(name, {}), nbytes({n: empty(*s) for n, s in linear_layers().items()})
    moments = once(inputs())
    bases = {layers: empty(len(m), int(share * len(m))) for layers, m in moments.items()}
    memory = Memory(update={n: empty(*s) for n, s in linear_layers().items()}, extra=bases)
    check_memory(name, method.regime, memory, adapter())
    assert memory_bytes(memory) - dense == share * nbytes(moments)
    during = memory._replace(extra={**bases, **{f"inputs {k}": m for k, m in moments.items()}})
    check_memory(name, method.regime, during, adapter())
    assert nbytes(moments) / GB == pytest.approx(2.81, abs=0.01) and memory_bytes(during) < HOST


@pytest.mark.parametrize("name", ["l2", "ewc", "c_lora", "n_lora", "o_lora"])
def test_the_penalty_fits_the_card_beside_the_training(name, tmp_path):
    """What the backward pass has to keep of the penalty, beside the memory, which lies on the card."""
    method = make_method(name, {})
    memory = after_ten_tasks(method, tmp_path)
    live = {n: Factors(*(t.requires_grad_() for t in f)) for n, f in adapter().items()}
    resident = [*memory.update.values(), *memory.extra.values(), *flat(memory.adapter or {}).values()]
    known = {id(t) for t in (*resident, *flat(live).values())}
    saved: dict[int, torch.Tensor] = {}

    def save(tensor):
        if id(tensor) not in known and tensor._base is None:
            saved[id(tensor)] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(save, lambda t: t):
        method.penalty(memory, live)
    kept = sum(t.numel() * t.element_size() for t in saved.values())
    on_card = sum(t.numel() * t.element_size() for t in resident)
    print(f"{name}: {on_card / GB:.2f} GB on the card, {kept / GB:.2f} GB kept for the backward pass")
    dense = 3.82 * GB
    assert kept <= {"c_lora": dense, "n_lora": dense}.get(name, 0.82 * GB) * 1.01
    assert TRAINING + on_card + kept < CARD

"""What bounds and merging methods keep after ten tasks, and the most that their hooks need at once, at SDXL's
size.

Counted, not estimated, on layers of a sixteenth of SDXL's sides, in a tenth of its blocks: tensors of two
sides, or of a side and the rank, grow with the square of the scale. `pytest -s` prints the table."""

import runpy
import weakref
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from diffusers import UNet2DConditionModel
from tabulate import tabulate
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from cbench.backbone.backbone import Backbone
from cbench.plan import open_track
from cbench.plugins.hooks import Hooks
from cbench.plugins.methods import make_method
from cbench.update import flat, nbytes
from cbench.utils.files import ASSETS

algebra = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("algebra.py"))))
pipelines = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "shapes.py")))

TASKS, SIDE, FEWER = 10, 16, 10
SCALE = SIDE**2 * FEWER
CARD, HOST, WEIGHTS = 80e9, 128e9, 5.2e9
"""Bytes of a card and of its host; of SDXL's UNet in bf16."""
DENSE, ADAPTER = 955_187_200 * 4, 64 * 1_451_520 * 4
KEPT = {
    "joint": (0, 1),
    "independent": (0, TASKS),
    **dict.fromkeys(("average", "task_arithmetic", "dare", "breadcrumbs", "ties"), (1, 0)),
    **dict.fromkeys(("opcm", "null_filter", "iso_c"), (1, 0)),
    **dict.fromkeys(("magmax_seq", "slao"), (1, 1)),
    **dict.fromkeys(("ties_all", "knots", "core_space", "tsv_m"), (0, TASKS)),
}
"""Method -> how many dense updates and how many adapters it keeps after ten tasks; numbers aside. `regmean`
keeps an update and second moments of the inputs, which its regime bounds."""


class LiveBytes(TorchDispatchMode):
    """The most bytes of tensors that live at once, of those made meanwhile."""

    def __init__(self):
        super().__init__()
        self.live, self.most, self.seen = 0, 0, set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        answer = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(answer):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return answer

    def _add(self, storage):
        key, size = storage._cdata, storage.nbytes()
        if key not in self.seen:
            self.seen.add(key)
            self.live += size
            self.most = max(self.most, self.live)
            weakref.finalize(storage, self._remove, key, size)

    def _remove(self, key, size):
        self.seen.discard(key)
        self.live -= size


@pytest.fixture(scope="module")
def sdxl():
    """Every tenth transformer block of SDXL's UNet, which comes without weights, at a sixteenth of its sides:
    layer -> (d_out, d_in)."""
    with torch.device("meta"):
        unet = pipelines.make_unet(pipelines.FULL)
    layers = Backbone.layers(SimpleNamespace(denoiser=unet), open_track("sdxl").training)
    assert len(layers) == 560
    blocks = sorted({name.partition(".attn")[0] for name in layers}, key=lambda b: layers[f"{b}.attn1.to_q"])
    chosen = tuple(f"{block}.attn" for block in blocks[::FEWER])
    return {n: (a // SIDE, b // SIDE) for n, (a, b) in layers.items() if n.startswith(chosen)}


@pytest.fixture(scope="module")
def mini():
    """The mini track's adapted layers of the suite `styles`."""
    config = UNet2DConditionModel.load_config(ASSETS / "mini" / "pipeline" / "unet")
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(config)
    return Backbone.layers(SimpleNamespace(denoiser=unet), open_track("mini").of("styles").training)


def moments(shapes):
    """Second moments of the inputs, as they are measured: one tensor for the layers that read the same."""
    shared = {}

    def of(layer, d_in):
        block, _, own = layer.rpartition(".attn")
        reads = {"1.to_q": "1", "1.to_k": "1", "1.to_v": "1", "2.to_k": "text", "2.to_v": "text"}.get(
            own, own
        )
        return shared.setdefault(("text" if reads == "text" else block, reads), torch.eye(d_in))

    return {layer: of(layer, d_in) for layer, (_, d_in) in shapes.items()}


def bytes_of(memory):
    """Bytes of the memory's update, adapter and other tensors."""
    return nbytes(memory.update), nbytes(flat(memory.adapter or {})), nbytes(memory.extra)


def ten_tasks(method, shapes, rank):
    """The memory after ten tasks, checked by its regime, and the most bytes in the last border's hooks."""
    trained, hooks = algebra.adapters(TASKS, rank=rank, shapes=shapes), Hooks(method)
    before = algebra.after(method, trained[:-1], moments=moments(shapes))
    if "inputs_before" in method.gathers:
        before = hooks.gather(before, "inputs_before", moments(shapes), trained[-1])
    with LiveBytes() as live:
        memory = hooks.keep(before, trained[-1], algebra.task(TASKS - 1))
        hooks.model(memory, algebra.task(TASKS - 1))
    return memory, live.most + sum(bytes_of(before)) + nbytes(flat(trained[-1]))


def small(name, mini):
    """Bytes kept after ten tasks of the mini track, numbers aside."""
    if name in KEPT:
        units = [4 * a * b for a, b in mini.values()], [4 * 8 * (a + b) for a, b in mini.values()]
        return sum(count * sum(unit) for count, unit in zip(KEPT[name], units, strict=True))
    memory, _ = ten_tasks(make_method(name, {}), mini, 8)
    return sum(bytes_of(memory))


def test_live_bytes_are_those_of_tensors_alive_at_once():
    with LiveBytes() as live:
        for _ in range(5):
            one = torch.zeros(1000) + 1
        two = [one.view(10, 100), one + 1]
        del one
        three = two.pop() * 2
    assert live.most == 3 * 4000 and live.live == 2 * 4000 and three.shape == (1000,)


def test_bytes_at_full_size(sdxl, mini):
    assert sum(4 * a * b for a, b in sdxl.values()) * SCALE == DENSE
    assert sum(4 * (64 // SIDE) * (a + b) for a, b in sdxl.values()) * SCALE == ADAPTER
    rows = []
    for name in (*KEPT, "regmean"):
        method = make_method(name, {})
        memory, most = ten_tasks(method, sdxl, 64 // SIDE)
        kept = sum(bytes_of(memory))
        dense, adapters = KEPT.get(name, (kept * SCALE / DENSE, 0))
        numbers = kept - (dense * DENSE + adapters * ADAPTER) / SCALE
        assert 0 <= numbers <= 100, f"{name}: {numbers} bytes beside {dense} updates and {adapters} adapters"
        assert kept * SCALE + WEIGHTS < CARD and most * SCALE < HOST, name
        assert most * SCALE < 8 * DENSE, f"{name}: a dense update for every task"
        rows.append((name, method.regime, kept * SCALE / 1e9, most * SCALE / 1e9, small(name, mini) / 1e6))
    print("\n" + tabulate(rows, ("method", "regime", "kept GB", "most GB in hooks", "kept MB on mini")))

"""How long a merge takes at SDXL's size on one thread, per method: the hooks `keep` and `model` at the border
of the second and of the tenth task. One command:

    pytest -s -m slow tests/benchmarks/test_merge_speed.py

One layer of each shape is merged, for random adapters of rank 64 (the worst case: full rank), and its
processor time multiplied by the number of such layers."""

import runpy
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cbench.backbone.backbone import Backbone
from cbench.plan import open_track
from cbench.plugins.methods import make_method

HERE = Path(__file__)
shapes = SimpleNamespace(**runpy.run_path(str(HERE.with_name("shapes.py"))))
algebra = SimpleNamespace(**runpy.run_path(str(HERE.parents[1] / "methods" / "algebra.py")))

METHODS = (
    *("merge_init", "average", "task_arithmetic", "magmax_seq", "dare", "breadcrumbs", "ties", "ties_all"),
    *("null_filter", "opcm", "iso_c", "tsv_m", "slao", "knots", "core_space"),
)
BORDERS = (2, 10)
LIMIT = 300
"""Seconds on one thread; a host of sixteen cores has as many."""


def seconds(method, trained):
    """Of the border of the last task."""
    memory = algebra.after(method, trained[:-1])
    last = algebra.task(len(trained) - 1)
    began = time.process_time()
    kept = method.keep(memory, trained[-1], last)._replace(learned=(*memory.learned, "last"))
    method.model(kept, last)
    return time.process_time() - began


@pytest.fixture(scope="module")
def layers():
    """SDXL's adapted layers: (d_out, d_in) -> how many."""
    with torch.device("meta"):
        unet = shapes.make_unet(shapes.FULL)
    return Counter(Backbone.layers(SimpleNamespace(unet=unet), open_track("sdxl").training).values())


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_a_merge_at_full_size(name, layers, one_thread):
    method, took = make_method(name, {}), dict.fromkeys(BORDERS, 0.0)
    for shape, count in layers.items():
        trained = algebra.adapters(max(BORDERS), rank=64, shapes={"a": shape})
        for border in BORDERS:
            took[border] += count * seconds(method, trained[:border])
    print(f"\n{name}: " + ", ".join(f"{took[border]:.1f} s at task {border}" for border in BORDERS))
    assert max(took.values()) < LIMIT

"""The device that a run computes on."""

import os
import subprocess
import sys

import pytest
import torch

from cbench.backbone.device import pick
from cbench.errors import BadInput
from cbench.plugins.isolation import isolated


def test_auto_is_the_gpu_where_there_is_one():
    assert pick("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.fixture
def gpu(monkeypatch):
    """As if there were a GPU; torch's settings are put back."""
    before = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    yield
    torch.use_deterministic_algorithms(before[0])
    torch.utils.deterministic.fill_uninitialized_memory = before[1]


@pytest.mark.parametrize("before, after", [(None, ":4096:8"), (":16:8", ":16:8")])
def test_a_gpu_is_made_repeatable(gpu, monkeypatch, before, after):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")  # so that it is put back, also where it was not there
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    if before:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", before)
    assert pick("auto") == "cuda" and os.environ["CUBLAS_WORKSPACE_CONFIG"] == after
    assert (
        torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
    )
    assert not torch.backends.cudnn.benchmark


def test_a_plugin_that_changes_it_does_not_change_it_for_the_run(gpu):
    pick("auto")
    with isolated("package p"):
        torch.use_deterministic_algorithms(False)
    assert (
        torch.are_deterministic_algorithms_enabled() and torch.is_deterministic_algorithms_warn_only_enabled()
    )


def test_a_cpu_does_not_wait_for_torchs_compiler():
    words = (
        "import sys; from cbench.backbone.device import pick; pick('cpu');"
        "assert 'torch._inductor' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", words], check=True)


@pytest.mark.parametrize("wanted", ["tpu:9", "cuda:99", "gpu", ""])
def test_what_is_not_there_is_one_line(wanted):
    with pytest.raises(BadInput, match="cannot be used here") as error:
        pick(wanted)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_the_second_gpu_is_the_current_one():
    """accelerate and bitsandbytes take the current one."""
    try:
        assert pick("cuda:1") == "cuda:1" and torch.cuda.current_device() == 1
    finally:
        torch.cuda.set_device(0)


def test_no_library_speaks_on_the_terminal(cli, track_file, tmp_path):
    code, _, output = cli(
        "run",
        "--method",
        "naive",
        "--suite",
        "colours",
        "--track",
        track_file,
        "--limit-tasks",
        "1",
        "--results",
        tmp_path,
    )
    assert code == 0 and "train 1/1" in output
    assert not any(word in output for word in ("Loading", "torch_dtype", "torchvision"))

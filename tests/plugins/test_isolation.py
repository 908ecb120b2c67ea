"""The fence around other people's code: what it lets through, and what it names."""

import os
import signal
import subprocess
import sys

import pytest
import torch

from cbench.errors import BadInput, gpu_lost, memory_ran_out
from cbench.plugins.isolation import isolated


def leave(number, frame):
    sys.exit(76)


@pytest.fixture
def handled():
    before = signal.signal(signal.SIGUSR2, leave)
    yield
    signal.signal(signal.SIGUSR2, before)


def test_signal_that_ends_the_process_is_not_the_plugins_doing(handled):
    with pytest.raises(SystemExit) as stop, isolated("package p"):
        os.kill(os.getpid(), signal.SIGUSR2)
        signal.pause()
    assert stop.value.code == 76


def test_plugin_that_leaves_is_named_though_a_handler_is_there(handled):
    with pytest.raises(BadInput, match="package p failed: SystemExit: 76"), isolated("package p"):
        sys.exit(76)


def test_memory_that_the_cpu_has_not_is_told_as_such():
    with pytest.raises(RuntimeError) as error, isolated("package p"):
        torch.empty(2**60, dtype=torch.uint8)
    assert memory_ran_out(error.value)
    assert not memory_ran_out(RuntimeError("shapes differ")) and memory_ran_out(MemoryError())


@pytest.mark.parametrize(
    "told",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    ],
)
def test_a_full_gpu_is_not_a_lost_one(told):
    error = RuntimeError(told)
    assert memory_ran_out(error) and not gpu_lost(error)


def test_a_fence_does_not_bring_torchs_compiler():
    """Its import takes longer than all else that a finished run needs."""
    watch = (
        "import sys, torch; from cbench.plugins.isolation import isolated\nwith isolated('package p'): pass\n"
        "print('torch._inductor' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", watch], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )

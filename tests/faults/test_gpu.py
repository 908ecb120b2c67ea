"""A GPU that is lost or full in mid run; a stage that raises what torch raises then stands for it."""

import pytest
import torch

from cbench import workbench
from cbench.plugins.isolation import isolated
from cbench.record.files import read_record

DRIVER_ERROR = getattr(torch, "AcceleratorError", RuntimeError)
"""What torch raises for an error of the driver; before torch 2.8 a RuntimeError."""
CASES = {
    "lost": (
        RuntimeError("CUDA error: unspecified launch failure\nCompile with `TORCH_USE_CUDA_DSA`"),
        "the GPU no longer answers (CUDA error",
    ),
    "fallen": (
        DRIVER_ERROR("CUDA error: uncorrectable ECC error encountered"),
        "the GPU no longer answers (CUDA error",
    ),
    "full for the driver": (
        DRIVER_ERROR("CUDA error: out of memory"),
        "out of memory (CUDA error: out of memory",
    ),
    "full for cuBLAS": (
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        "out of memory (CUDA error: CUBLAS_STATUS_ALLOC_FAILED",
    ),
    "full": (
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        "out of memory (CUDA out of memory",
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_what_is_done_is_kept_and_the_run_goes_on(cli, track_file, tmp_path, monkeypatch, kind):
    error, line = CASES[kind]
    words = [
        "run",
        "--method",
        "merge_init",
        "--suite",
        "colours",
        "--track",
        track_file,
        "--device",
        "cpu",
        "--results",
        tmp_path / "out",
    ]
    real, trained = workbench.train, []

    def train(*given):
        if len(trained) == 1:
            raise error
        trained.append(given)
        return real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(workbench, "train", train)
        code, _, output = cli(*words)
    last = output.strip().splitlines()[-1]
    assert (
        code == 3
        and line in last
        and "what is done is kept, resume with: cbench run --method merge_init" in last
    ), output
    assert (
        "Traceback" not in output and read_record(next((tmp_path / "out" / "records").iterdir())).learned == 1
    )
    monkeypatch.setattr(workbench, "train", lambda *given: trained.append(given) or real(*given))
    assert cli(*words)[0] == 0
    assert len(trained) == 3, "the first task is not trained again"


@pytest.mark.parametrize("kind", CASES)
def test_no_plugin_is_blamed(kind):
    error, _ = CASES[kind]
    with pytest.raises(type(error), match="CUDA"), isolated("package p: metric 'm'"):
        raise error

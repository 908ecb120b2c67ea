"""The device that a run computes on."""

import pytest
import torch

from cbench.device import pick
from cbench.errors import BadInput


def test_auto_is_the_gpu_where_there_is_one():
    assert pick("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


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

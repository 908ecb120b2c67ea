"""Whatever a library makes of an interrupt, the command ends as interrupted."""

import os
import signal

import numpy as np
import pytest

from cbench.utils.interrupt import stop_requested, stoppable


def otherwise(self, images):
    """As C code does that meets an exception in the middle of something else."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    except KeyboardInterrupt:
        raise ValueError("could not determine the shape of something") from None


def swallowed(self, images):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    except KeyboardInterrupt:
        return np.ones((len(images), 3))


@pytest.mark.parametrize("embed", [otherwise, swallowed])
def test_an_interrupt_stays_one(embed, cli, track_file, tmp_path, monkeypatch):
    from cbench_example.metric import Colour

    words = ("run", "--method", "base", "--suite", "colours", "--track", track_file, "--results", tmp_path)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Colour, "embed", embed)
        code, _, error = cli(*words)
    lines = [line for line in error.splitlines() if line.startswith("cbench:")]
    assert (
        code == 130
        and len(lines) == 1
        and "interrupted in colours base order 0 seed 0 after sample" in lines[0]
    ), error
    assert not stop_requested() and cli(*words)[0] == 0


def test_who_is_deaf_to_the_user_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)

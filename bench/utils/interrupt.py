"""Being asked to stop: the user's SIGINT and the machine's SIGTERM raise KeyboardInterrupt, and are
remembered.

What a signal's handler raises in the middle of a library's C code may come out as another error, or not at
all (torch turns it into a ValueError about a tensor's shape): whoever handles errors asks here whether they
are one. Work heeds it at every step, and shows thereby how far it is, and that it has not come to a
standstill."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = threading.Event()


_heeded = time.monotonic()


_step = 0, 0


@contextmanager
def stoppable() -> Iterator[None]:
    """Both signals ask to stop meanwhile; SIGINT only where it would have ended the process. Only the main
    thread gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked.clear()
    numbers = [
        signal.SIGTERM,
        *([signal.SIGINT] if signal.getsignal(signal.SIGINT) is signal.default_int_handler else []),
    ]
    before = {number: signal.signal(number, _ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


def stop_requested() -> bool:
    """Whether a signal asked this process to stop, whatever became of its exception."""
    return _asked.is_set()


def check_interrupt(done: int = 0, steps: int = 0) -> None:
    """Raise KeyboardInterrupt where a signal asked for it and its exception was lost. Called within a stage
    after `done` of its `steps`."""
    global _heeded, _step
    _heeded, _step = time.monotonic(), (done, steps)
    if stop_requested():
        raise KeyboardInterrupt


def step() -> tuple[int, int]:
    """Where the stage is that is at work: steps done, and of how many; 0 of 0 between stages."""
    return _step


def seconds_since_progress() -> float:
    """Seconds since work last heeded."""
    return time.monotonic() - _heeded


def _ask(number: int, frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt

"""Interrupts: SIGINT (the user) and SIGTERM (the machine) raise KeyboardInterrupt and are recorded.

An exception raised by a signal handler within a library's C code may come out as another error or be lost
(torch turns it into a ValueError about a tensor's shape), so error handlers ask `stop_requested`. Work calls
`check_interrupt` at every step, which also records its progress."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from cbench.errors import Interrupted

GRACE = 2.0
"""Seconds in which a repeated signal is the same wish: the first one is being carried out."""


_requested = threading.Event()


_since = 0.0


_announced = threading.Event()
"""Set once the line that tells of the interrupt is printed: there is one."""


_last_progress = time.monotonic()


_step = 0, 0


@contextmanager
def stoppable() -> Iterator[None]:
    """Handle both signals within the context; SIGINT only if Python's default handler is installed. Does
    nothing outside the main thread, which alone gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _requested.clear()
    _announced.clear()
    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) in (signal.default_int_handler, leave):
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, _ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _requested.clear()


def stop_requested() -> bool:
    """Whether a signal asked this process to stop, even if its exception was lost."""
    return _requested.is_set()


def check_interrupt(done: int = 0, steps: int = 0) -> None:
    """Record progress (`done` of `steps` of a stage); raises KeyboardInterrupt if a stop was requested."""
    global _last_progress, _step
    _last_progress, _step = time.monotonic(), (done, steps)
    if stop_requested():
        raise KeyboardInterrupt


def step() -> tuple[int, int]:
    """Progress of the current stage: (steps done, steps in all); (0, 0) between stages."""
    return _step


def seconds_since_progress() -> float:
    """Seconds since the last call of `check_interrupt`."""
    return time.monotonic() - _last_progress


def announce() -> None:
    """The line that tells of the interrupt is about to be printed; no other is."""
    _announced.set()


def leave(number: int, frame: FrameType | None) -> NoReturn:
    """Handle a signal by leaving at once, with one line."""
    if not _announced.is_set():
        os.write(2, b"cbench: interrupted; what is done is kept\n")
    os._exit(130)


def _ask(number: int, frame: FrameType | None) -> None:
    global _since
    if not _unwinding():
        _since = time.monotonic()
        _requested.set()
        raise KeyboardInterrupt
    if time.monotonic() - _since > GRACE:  # what was to end does not
        leave(number, frame)


def _unwinding() -> bool:
    """Whether an earlier signal's exception is being handled, or was told of already."""
    return _requested.is_set() and (
        _announced.is_set() or isinstance(sys.exc_info()[1], KeyboardInterrupt | Interrupted)
    )

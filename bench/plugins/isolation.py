"""Isolates plugin code: its errors name the plugin, its output goes to standard error, and global state that
it changes is restored."""

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from traceback import walk_tb
from typing import Any

from cbench.errors import BadInput, CbenchError, gpu_lost, memory_ran_out
from cbench.plugins import registry
from cbench.plugins.mutation import assert_unmodified
from cbench.utils.interrupt import stop_requested
from cbench.utils.text import one_line


def plugin_label(kind: registry.Kind, name: str) -> str:
    """`package P: method 'M'`, `file my.py: method 'M'`."""
    return f"{registry.origin(kind, name)}: {kind.removesuffix('s')} {name!r}"


@contextmanager
def isolated(who: str, *handed: Any, often: bool = False) -> Iterator[None]:
    """Run plugin code. Raises BadInput that names `who` if the code raises, exits, or modifies its inputs
    `handed`: tensors, or mappings of tensors. For code that runs `often`, at every step, only writes through
    torch are detected. Random states, torch's default dtype, threads and grad mode, and the working folder
    are restored."""
    restore = [save() for save in (_random, _numpy, _torch, _folder)]
    try:
        with redirect_stdout(sys.stderr), assert_unmodified(who, *handed, bits=not often):
            yield
    except (Exception, SystemExit) as error:
        if _not_its_fault(error):
            raise
        raise BadInput(f"{who} failed: {type(error).__name__}: {one_line(error)}") from error
    finally:
        for undo in restore:
            undo()


def _not_its_fault(error: BaseException) -> bool:
    if isinstance(error, CbenchError) or stop_requested():
        return True
    return memory_ran_out(error) or gpu_lost(error) or _of_signal(error)


def _of_signal(error: BaseException) -> bool:
    """Whether a signal handler raised it, not the running code, as when a job runs out of time."""
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    codes = [getattr(handler, "__code__", None) for handler in handlers]  # a method has its function's code
    return any(frame.f_code in codes for frame, _ in walk_tb(error.__traceback__))


def _random() -> Callable[[], None]:
    state = random.getstate()
    return lambda: random.setstate(state)


def _numpy() -> Callable[[], None]:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return lambda: None
    state, errors = numpy.random.get_state(), numpy.geterr()

    def undo() -> None:
        numpy.random.set_state(state)
        numpy.seterr(**errors)

    return undo


def _torch() -> Callable[[], None]:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_rng_state"):  # not imported, or partly imported
        return lambda: None
    state, dtype, threads = torch.get_rng_state(), torch.get_default_dtype(), torch.get_num_threads()
    grad, strict = torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()

    def undo() -> None:
        torch.set_default_dtype(dtype)
        torch.set_rng_state(state)
        torch.set_grad_enabled(grad)
        # only if it changed: setting it imports torch's compiler, which takes seconds
        if torch.are_deterministic_algorithms_enabled() != strict:
            torch.use_deterministic_algorithms(strict, warn_only=warns)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return undo


def _folder() -> Callable[[], None]:
    folder = os.getcwd()  # noqa: PTH109 - a string, for chdir
    return lambda: os.chdir(folder)

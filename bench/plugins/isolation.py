"""A fence around code that others wrote: what it raises is named, what it prints goes to standard error, what
it changes is put back."""

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from traceback import walk_tb
from typing import Any

from cbench.errors import BadInput, CbenchError, gpu_lost, memory_ran_out
from cbench.plugins import registry
from cbench.plugins.mutation import assert_unmodified
from cbench.utils.interrupt import stop_requested
from cbench.utils.text import one_line


@cache
def plugin_label(kind: registry.Kind, name: str) -> str:
    """`package P: method 'M'`."""
    found = registry.entries(kind).get(name)
    return f"package {registry.package(found[0]) if found else 'unknown'}: {kind.removesuffix('s')} {name!r}"


@contextmanager
def isolated(who: str, *handed: Any, often: bool = False) -> Iterator[None]:
    """Run somebody's code. BadInput names `who` where it raises, leaves the process, or changes what it was
    handed: tensors, or the mappings that hold them. Of code that runs `often`, in every step, only writes
    through torch are seen. Random states, torch's default dtype, threads and grad mode, and the working
    folder are put back."""
    put_back = [keep() for keep in (_random, _numpy, _torch, _folder)]
    try:
        with redirect_stdout(sys.stderr), assert_unmodified(who, *handed, bits=not often):
            yield
    except (Exception, SystemExit) as error:
        if (
            isinstance(error, CbenchError)
            or memory_ran_out(error)
            or gpu_lost(error)
            or stop_requested()
            or _of_signal(error)
        ):  # no fault of that code
            raise
        raise BadInput(f"{who} failed: {type(error).__name__}: {one_line(error)}") from error
    finally:
        for undo in put_back:
            undo()


def _of_signal(error: BaseException) -> bool:
    """Whether the handler of a signal raised it, and not the code that was running: a job that is out of time
    ends so."""
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    codes = [getattr(handler, "__code__", None) for handler in handlers]  # a method has its function's
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
    if torch is None or not hasattr(torch, "get_rng_state"):  # not imported, or in the middle of it
        return lambda: None
    state, dtype, threads, grad = (
        torch.get_rng_state(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
    )
    strict, warns = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )

    def undo() -> None:
        torch.set_default_dtype(dtype)
        torch.set_rng_state(state)
        torch.set_grad_enabled(grad)
        if (
            torch.are_deterministic_algorithms_enabled() != strict
        ):  # to set it imports torch's compiler: seconds
            torch.use_deterministic_algorithms(strict, warn_only=warns)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return undo


def _folder() -> Callable[[], None]:
    folder = os.getcwd()  # noqa: PTH109 - as a string, for chdir
    return lambda: os.chdir(folder)

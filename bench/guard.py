"""A fence around code that others wrote: what it raises is named, what it prints goes to standard error, what it changes is put back."""

import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from functools import cache
from typing import Any

from cbench import registry
from cbench.errors import BadInput, CbenchError, of_gpu
from cbench.printable import one_line


@cache
def owner(kind: registry.Kind, name: str) -> str:
    """`package P: method 'M'`."""
    found = registry.entries(kind).get(name)
    return f"package {registry.package(found[0]) if found else 'unknown'}: {kind.removesuffix('s')} {name!r}"


@contextmanager
def fenced(who: str, *handed: Any) -> Iterator[None]:
    """Run somebody's code. BadInput names `who` where it raises, leaves the process, or changes tensors it was handed (seen by their
    version counters). Random states, torch's default dtype, threads and grad mode, and the working folder are put back."""
    put_back = [keep() for keep in (_random, _numpy, _torch, _folder)]
    tensors = list(_tensors(handed))
    before = [tensor._version for tensor in tensors]
    try:
        with redirect_stdout(sys.stderr):
            yield
    except CbenchError:
        raise
    except (Exception, SystemExit) as error:
        if of_gpu(error):  # no fault of that code
            raise
        raise BadInput(f"{who} failed: {type(error).__name__}: {one_line(error)}") from error
    finally:
        for undo in put_back:
            undo()
    if [tensor._version for tensor in tensors] != before:
        raise BadInput(f"{who} changed tensors that it was handed; it must return new ones")


def _tensors(value: Any) -> Iterator[Any]:
    if hasattr(value, "_version") and hasattr(value, "dtype"):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(tuple(value.values()))
    elif isinstance(value, tuple):
        for part in value:
            yield from _tensors(part)


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
    state, dtype, threads, grad = torch.get_rng_state(), torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    strict = torch.are_deterministic_algorithms_enabled()

    def undo() -> None:
        torch.set_default_dtype(dtype)
        torch.set_rng_state(state)
        torch.set_grad_enabled(grad)
        torch.use_deterministic_algorithms(strict)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)

    return undo


def _folder() -> Callable[[], None]:
    folder = os.getcwd()  # noqa: PTH109 - as a string, for chdir
    return lambda: os.chdir(folder)

"""Methods that are not installed: `./file.py:Class`, `./file.py` with one method, or `module:Class`.

The class is known by its own name until the process ends. A record names no package for it, and the digest
of its code as for a plugin: of the file, and of what it imports of its own package."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from inspect import isclass
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from cbench.errors import BadInput, unknown
from cbench.plugins import registry
from cbench.plugins.isolation import isolated
from cbench.utils.text import one_line

PREFIX = "cbench_file_"
"""Before the name of a module that was loaded from a file: `re.py` does not hide Python's."""


def is_path(method: str) -> bool:
    """Whether a method is given by file or module and not by its registered name."""
    return ":" in method or method.endswith(".py")


def register(method: str) -> str:
    """The name of the method at `file.py:Class` or `module:Class`, which is known from now on.

    Raises BadInput if there is no such file, module or class, if a file has several methods and none is
    named, if the import fails, or if the name is a built-in's."""
    place, _, wanted = method.partition(":") if not method.endswith(".py") else (method, "", "")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place)
    cls = _chosen(place, module, wanted)
    name = getattr(cls, "name", None)
    if not isinstance(name, str):
        raise BadInput(f"{place}: class {cls.__name__} needs a name: write name = 'my_method' in it")
    known = registry.entries("methods").get(name, [])
    if any(entry.value == f"{cls.__module__}:{cls.__qualname__}" for entry in known):
        return name
    if any(registry.package(entry) == registry.OWN for entry in known):
        raise BadInput(
            f"{place}: {name!r} is the name of a built-in method; give class {cls.__name__} another"
        )
    registry.LOCAL[name] = registry.Local(
        cls, f"file {place}" if place.endswith(".py") else f"module {place}"
    )
    return name


def _chosen(place: str, module: ModuleType, wanted: str) -> Any:
    """The class that is named, or the only method that the module itself defines."""
    from cbench.method import Method

    own = {
        name: value
        for name, value in vars(module).items()
        if isclass(value) and issubclass(value, Method) and value.__module__ == module.__name__
    }
    if wanted:
        if not isclass(getattr(module, wanted, None)):
            raise unknown(f"class in {place}", wanted, own)
        return getattr(module, wanted)
    if len(own) != 1:
        has = f"has {len(own)} methods" if own else "has no subclass of cbench.Method"
        raise BadInput(f"{place} {has}; name one as {place}:{next(iter(own), 'Class')}")
    return next(iter(own.values()))


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise BadInput(f"there is no file {path}; --method takes a name, FILE.py:Class or MODULE:Class")
    name = PREFIX + path.stem
    spec = spec_from_file_location(name, path.absolute())
    assert spec and spec.loader
    module = module_from_spec(spec)
    sys.modules[name] = module  # a dataclass looks for its module there
    try:
        with _errors_named(str(path), path.absolute()), isolated(f"file {path}"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _from_module(name: str) -> ModuleType:
    here = str(Path.cwd())
    sys.path.append(here)  # last: a folder `datasets` here does not hide Hugging Face's
    try:
        with _errors_named(f"module {name}", None), isolated(f"module {name}"):
            return import_module(name)
    finally:
        sys.path.remove(here)


@contextmanager
def _errors_named(place: str, file: Path | None) -> Iterator[None]:
    """BadInput for whatever an import raises, with the line of the author's file."""
    try:
        yield
    except BadInput as error:
        cause = error.__cause__
        if cause is None:
            raise
        lines = [frame.lineno for frame in extract_tb(cause.__traceback__) if frame.filename == str(file)]
        line = cause.lineno if isinstance(cause, SyntaxError) else (lines or [None])[-1]
        where = f"{place}, line {line}" if line else place
        raise BadInput(f"{where}: {type(cause).__name__}: {one_line(cause)}{_hint(cause)}") from cause


def _hint(error: BaseException) -> str:
    return "; write @dataclass(frozen=True)" if "non-frozen dataclass" in str(error) else ""

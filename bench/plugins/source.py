"""Identity of a method's code: two runs of one name whose code or options differ are not one run."""

import ast
import dataclasses
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec, resolve_name
from math import isfinite
from pathlib import Path
from typing import Any

from cbench.errors import BadInput
from cbench.method import Method
from cbench.plugins import registry
from cbench.record.record import MethodSource
from cbench.utils.digest import digest_json


def source_of(method: Method) -> MethodSource:
    """What a record says of the code behind a method, and all its options."""
    options = {field.name: _plain_option(getattr(method, field.name)) for field in dataclasses.fields(method)}
    code: Any = type(method)
    package = _package(method)
    return MethodSource(package=package, version=_version(package), code=code_of(code), options=options)


def _package(method: Method) -> str:
    """The package that a method comes from; empty for one that is given by file or module."""
    if method.name in registry.LOCAL and registry.LOCAL[method.name].cls is type(method):
        return ""
    entries = registry.entries("methods").get(method.name)
    return registry.package(entries[0]) if entries else type(method).__module__.split(".")[0]


def _plain_option(value: Any) -> bool | int | float | str | None:
    """An option as JSON has it, else its text."""
    simple = (
        value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and isfinite(value))
    )
    return value if simple else repr(value)


def _version(package: str) -> str:
    try:
        return version(package) if package else ""
    except PackageNotFoundError:
        return ""


@cache
def code_of(method: Any) -> str:
    """Digest of the modules of a method (its class) and of its bases, with all that they import of their own
    packages.

    Comments, docstrings and layout have no part in it. BadInput if a class has no source file."""
    modules: dict[str, str] = {}
    for base in method.__mro__:
        if base is not object:
            _collect(base.__module__, modules, base)
    return digest_json(sorted(modules.items()))


def _collect(module: str, modules: dict[str, str], base: type | None = None) -> None:
    """Add a module, and the modules of its package that it imports."""
    if module in modules:
        return
    tree = ast.parse(_text(module, base))
    modules[module] = ast.unparse(_plain(tree))
    for name in _imported(tree, module):
        if name.split(".")[0] == module.split(".")[0] and _file(name):
            _collect(name, modules)


def _text(module: str, base: type | None) -> str:
    file = _file(module)
    if file:
        return file.read_text(encoding="utf-8")
    try:
        return inspect.getsource(base) if base else ""
    except (OSError, TypeError) as error:
        raise BadInput(
            f"the source of {module} cannot be read, so its results cannot be told from those of other code"
        ) from error


def _file(module: str) -> Path | None:
    """The source file of a module, which need not be imported."""
    known = getattr(sys.modules.get(module), "__file__", None)
    try:
        spec = None if known else find_spec(module)
    except Exception:  # looking for a module imports its parents, which are somebody else's code
        return None
    file = Path(known or (spec.origin if spec and spec.origin else ""))
    return file if file.suffix == ".py" and file.is_file() else None


def _imported(tree: ast.AST, module: str) -> Iterator[str]:
    """The modules that a module's text imports, also `from package import module`."""
    package = module if _is_package(module) else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            name = (
                resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            )
            yield str(name)
            yield from (f"{name}.{alias.name}" for alias in node.names)


def _is_package(module: str) -> bool:
    return hasattr(sys.modules.get(module), "__path__")


def _plain(tree: Any) -> Any:
    """The tree without docstrings and other bare strings."""
    nodes: Iterator[Any] = ast.walk(tree)
    for node in nodes:
        if isinstance(getattr(node, "body", None), list):
            kept = [part for part in node.body if not _is_bare_string(part)]
            node.body = kept or [ast.Pass()]
    return ast.fix_missing_locations(tree)


def _is_bare_string(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )

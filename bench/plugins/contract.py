"""Checks of a method's class before anything is trained: the usual mistakes, each by its name."""

import dataclasses
import inspect
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from cbench.errors import BadInput, unknown
from cbench.method import Kind, Method

ATTRIBUTES = {"title": str, "version": int, "regime": str, "trains": bool}
HOOKS = tuple(name for name, value in vars(Method).items() if inspect.isfunction(value) and name[0] != "_")
"""The hooks of the contract by name."""
SIMPLE = (bool, int, float, str, NoneType)


def check_class(label: str, cls: type[Method]) -> None:
    """BadInput, which begins with `label`, for a class that does not follow the contract."""
    for attribute, kind in ATTRIBUTES.items():
        if not isinstance(getattr(cls, attribute, None), kind):
            raise BadInput(f"{label} needs a {attribute} of type {kind.__name__}")
    if cls.learns not in ("AB", "B"):
        raise BadInput(f"{label} learns {cls.learns!r}; write AB or B")
    odd = sorted({*map(str, cls.gathers)} - {*get_args(Kind)})
    if odd:
        raise unknown(f"measurement that {label} gathers", odd[0], get_args(Kind))
    for field in _fields_without_dataclass(cls):
        raise BadInput(f"{label} has the field {field!r} but no @dataclass(frozen=True) above its class")
    for hook in HOOKS:
        problem = _signature_problem(hook, getattr(cls, hook))
        if problem:
            raise BadInput(f"{label}: {problem}")
    if cls.trains and cls.keep is Method.keep:
        raise BadInput(
            f"{label} has no hook keep(self, memory, trained, task), which every method that trains needs"
        )


def _fields_without_dataclass(cls: type[Method]) -> Iterator[str]:
    """Annotated names that no dataclass decorator has seen: they would be no options."""
    known = {field.name for field in dataclasses.fields(cls)}
    for base in cls.__mro__[: cls.__mro__.index(Method)]:
        for name, kind in vars(base).get("__annotations__", {}).items():
            if "ClassVar" not in str(kind) and name not in known:
                yield name


def _signature_problem(hook: str, function: Any) -> str | None:
    """What is wrong with a hook's parameters: it is called with the contract's, in their order."""
    if not callable(function):
        return f"{hook} is no function"
    wanted = [*inspect.signature(getattr(Method, hook)).parameters]
    given = inspect.signature(function)
    try:
        given.bind(*wanted)
    except TypeError:
        return f"the hook is {hook}({', '.join(wanted)}), the class has {hook}({', '.join(given.parameters)})"
    names = [*given.parameters]
    if {*names} == {*wanted} and names != wanted:
        return f"the hook is {hook}({', '.join(wanted)}), the class has another order: {', '.join(names)}"
    return None


def check_option_types(label: str, options: dict[str, Any]) -> None:
    """BadInput for an option (name -> type) that is no single value."""
    for name, kind in options.items():
        if not _is_simple(kind):
            raise BadInput(
                f"{label}: options.{name} has the type {kind}; "
                "an option is one bool, int, float, str or Literal"
            )


def _is_simple(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin is Annotated:
        return _is_simple(get_args(kind)[0])
    if origin in (Union, UnionType):
        return all(map(_is_simple, get_args(kind)))
    return origin is Literal or (origin is None and (not isinstance(kind, type) or issubclass(kind, SIMPLE)))

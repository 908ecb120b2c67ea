"""Makes a method from its name and options, and checks that a plugin's class follows the contract."""

import dataclasses
import inspect
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from cbench.errors import BadInput, unknown
from cbench.method import Kind, Method
from cbench.plugins import registry
from cbench.plugins.isolation import isolated, plugin_label
from cbench.record.record import MethodRef, Record
from cbench.utils.text import first_error


def method_class(name: str) -> type[Method]:
    """The class registered under a name. Raises BadInput if it is not a method or has another name."""
    registered = registry.load("methods", name)
    package = registry.package(registry.entries("methods")[name][0])
    if not (inspect.isclass(registered) and issubclass(registered, Method)):
        raise BadInput(
            f"package {package} registers {name!r} as a method, but it is not a subclass of "
            "cbench.method.Method"
        )
    own_name = getattr(registered, "name", None)
    if own_name != name:
        raise BadInput(
            f"package {package} registers the method {name!r}, but the name of its class is {own_name!r}"
        )
    for attribute, kind in {"title": str, "version": int, "regime": str, "trains": bool}.items():
        if not isinstance(getattr(registered, attribute, None), kind):
            raise BadInput(f"package {package}: method {name!r} needs a {attribute} of type {kind.__name__}")
    if registered.learns not in ("AB", "B"):
        raise BadInput(f"package {package}: method {name!r} learns {registered.learns!r}; write AB or B")
    odd = sorted({*map(str, registered.gathers)} - {*get_args(Kind)})
    if odd:
        raise unknown(f"measurement that package {package}: method {name!r} gathers", odd[0], get_args(Kind))
    return registered


def option_values(name: str, option: str, text: str) -> tuple[str, ...]:
    """The values of an option that a text lists: `0.25,0.5` gives two, unless the option takes the text as a
    whole, as one that is a text does. BadInput for an option that the method does not have."""
    cls = method_class(name)
    fields = {f.name for f in dataclasses.fields(cls)}
    if option not in fields:
        raise unknown(f"option of {name}", option, fields)
    with isolated(plugin_label("methods", name)):
        hints = get_type_hints(cls)
    try:
        TypeAdapter(hints[option]).validate_python(text)
    except ValidationError:
        return tuple(text.split(","))
    return (text,)


def whole_options(name: str) -> frozenset[str]:
    """The options of a method that are integers."""
    with isolated(plugin_label("methods", name)):
        hints = get_type_hints(method_class(name))
    return frozenset(option for option, hint in hints.items() if hint is int)


def make_method(name: str, options: dict[str, str]) -> Method:
    """The method with its options parsed to their declared types (`sum=factors`)."""
    cls = method_class(name)
    fields = {f.name for f in dataclasses.fields(cls)}
    with isolated(plugin_label("methods", name)):
        hints = get_type_hints(cls, include_extras=True)
    values: dict[str, Any] = {}
    for key, text in options.items():
        if key not in fields:
            raise unknown(f"option of {name}", key, fields)
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(text)
        except ValidationError as error:
            raise BadInput(f"option {key}={text!r} of {name}: {error.errors()[0]['msg']}") from error
    with isolated(plugin_label("methods", name)):
        method = cls(**values)
    if not isinstance(method.draws, int) or method.draws < 1:
        raise BadInput(f"{plugin_label('methods', name)} needs draws of at least 1, not {method.draws!r}")
    reference(method)
    return method


def reference(method: Method) -> MethodRef:
    """The method as a record names it, with the options that differ from their defaults."""
    changed = {
        f.name: getattr(method, f.name)
        for f in dataclasses.fields(method)
        if getattr(method, f.name) != f.default
    }
    try:
        return MethodRef(
            name=method.name,
            title=method.title,
            version=method.version,
            regime=method.regime,
            options=changed,
        )
    except ValidationError as error:
        raise BadInput(f"{plugin_label('methods', method.name)}: {first_error(error)}") from error


def method_from_record(record: Record) -> Method:
    """The method that a record names. Raises BadInput if another version or other code is installed."""
    from cbench.plugins.source import source_of

    ref = record.method
    method = make_method(ref.name, {name: str(value) for name, value in ref.options.items()})
    if reference(method) != ref:
        raise BadInput(
            f"the record has version {ref.version} of {ref.label}, version {method.version} is installed; "
            "run it again"
        )
    source = source_of(method)
    if record.source and (record.source.code, record.source.options) != (source.code, source.options):
        raise BadInput(f"the code of {ref.label} changed after {record.file_name} was written; run it again")
    return method

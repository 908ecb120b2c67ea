"""Makes a method from its name and options, and checks that a plugin's class follows the contract."""

import dataclasses
import inspect
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from cbench.errors import BadInput, unknown
from cbench.method import Method
from cbench.plugins import registry
from cbench.plugins.by_path import is_path, register
from cbench.plugins.contract import check_class, check_option_types
from cbench.plugins.isolation import isolated, plugin_label
from cbench.record.record import MethodRef, Record
from cbench.utils.text import first_error


def method_class(method: str) -> type[Method]:
    """The class of a registered name, of `file.py:Class` or of `module:Class`. Raises BadInput if it is no
    method, has another name, or breaks the contract."""
    name = register(method) if is_path(method) else method
    cls, origin = registry.load("methods", name), registry.origin("methods", name)
    if not (inspect.isclass(cls) and issubclass(cls, Method)):
        raise BadInput(
            f"{origin} registers {name!r} as a method, but it is not a subclass of cbench.method.Method"
        )
    own_name = getattr(cls, "name", None)
    if own_name != name:
        raise BadInput(f"{origin} registers the method {name!r}, but the name of its class is {own_name!r}")
    check_class(plugin_label("methods", name), cls)
    return cls


def option_types(cls: type[Method]) -> dict[str, Any]:
    """Option -> its declared type. Raises BadInput for a type that is unknown or no single value."""
    label = plugin_label("methods", cls.name)
    with isolated(label):
        hints = get_type_hints(cls, include_extras=True)
    types = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
    check_option_types(label, types)
    return types


def default_of(field: dataclasses.Field) -> bool | int | float | str | None:
    """The default of an option; None if it has none."""
    return None if field.default is dataclasses.MISSING else field.default


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
    name, types = cls.name, option_types(cls)
    values: dict[str, Any] = {}
    for key, text in options.items():
        if key not in types:
            raise unknown(f"option of {name}", key, types)
        try:
            values[key] = TypeAdapter(types[key]).validate_python(text)
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
    if (
        record.source
        and not record.source.package
        and ref.name not in {*registry.LOCAL, *registry.entries("methods")}
    ):
        raise BadInput(
            f"{record.file_name}: its method {ref.name!r} came from a file and is not installed; "
            "make it a package (docs/tutorials/method.md) and install that"
        )
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

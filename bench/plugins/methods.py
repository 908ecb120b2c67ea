"""Makes a method from its name and options, and checks that a plugin's class keeps the contract."""

import dataclasses
import inspect
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from cbench.errors import BadInput, unknown
from cbench.method import Method
from cbench.plugins import registry
from cbench.plugins.isolation import isolated
from cbench.plugins.isolation import plugin_label as owner_of
from cbench.record.record import MethodRef, Record
from cbench.utils.text import first_error


def method_class(name: str) -> type[Method]:
    """The class registered under a name; BadInput where it is no method or names itself otherwise."""
    found = registry.load("methods", name)
    owner = registry.package(registry.entries("methods")[name][0])
    if not (inspect.isclass(found) and issubclass(found, Method)):
        raise BadInput(
            f"package {owner} registers {name!r} as a method, but it is no subclass of cbench.method.Method"
        )
    if getattr(found, "name", None) != name:
        raise BadInput(
            f"package {owner} registers the method {name!r}, but its class calls itself "
            f"{getattr(found, 'name', None)!r}"
        )
    for part, kind in {"title": str, "version": int, "regime": str, "trains": bool}.items():
        if not isinstance(getattr(found, part, None), kind):
            raise BadInput(f"package {owner}: method {name!r} has no {part} that is a {kind.__name__}")
    return found


def make_method(name: str, options: dict[str, str]) -> Method:
    """The method with its options parsed to their declared types (`exact=true`)."""
    made = method_class(name)
    fields = {f.name for f in dataclasses.fields(made)}
    with isolated(owner_of("methods", name)):
        hints = get_type_hints(made)
    values: dict[str, Any] = {}
    for key, text in options.items():
        if key not in fields:
            raise unknown(f"option of {name}", key, fields)
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(text)
        except ValidationError as error:
            raise BadInput(f"option {key}={text!r} of {name}: {error.errors()[0]['msg']}") from error
    with isolated(owner_of("methods", name)):
        method = made(**values)
    reference(method)
    return method


def reference(method: Method) -> MethodRef:
    """What a record says of a method: options only where they differ from their defaults."""
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
        raise BadInput(f"{owner_of('methods', method.name)}: {first_error(error)}") from error


def method_from_record(record: Record) -> Method:
    """The method that a record names. BadInput if this installation has another version of it, or other
    code."""
    from cbench.plugins.source import source_of

    ref = record.method
    method = make_method(ref.name, {name: str(value) for name, value in ref.options.items()})
    if reference(method) != ref:
        raise BadInput(
            f"the record is of version {ref.version} of {ref.label}, here it is version {method.version}; "
            "run it again"
        )
    source = source_of(method)
    if record.source and (record.source.code, record.source.options) != (source.code, source.options):
        raise BadInput(f"the code of {ref.label} changed after {record.file_name} was written; run it again")
    return method

"""Prints a card of every built-in method as markdown, read from its class and file: definition, source,
regime, options."""

import ast
import dataclasses
import inspect
from textwrap import dedent

from cbench.method import Method
from cbench.plugins import registry
from cbench.plugins.methods import method_class
from cbench.search_space import space_of

FAMILIES = ("bound", "sequential", "merging", "rehearsal", "regularisation", "orthogonality")


def meanings(method: type[Method]) -> dict[str, str]:
    """Option -> the text under it in the class, on one line."""
    (body,) = ast.parse(dedent(inspect.getsource(method))).body
    assert isinstance(body, ast.ClassDef)
    texts = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            written = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            texts[field.target.id] = " ".join(str(text.value.value).split()) if written else ""
    return texts


def options(method: type[Method]) -> list[str]:
    """The table of options; empty without any."""
    fields = dataclasses.fields(method)
    if not fields:
        return []
    ranges = space_of(method)
    about = {name: text for kind in reversed(method.__mro__[:-2]) for name, text in meanings(kind).items()}
    rows = ["| option | default | tuned in | meaning |", "|---|---|---|---|"]
    for field in fields:
        spread = ranges.get(field.name)
        tuned = f"{spread.low:g} to {spread.high:g}" if spread else ""
        meaning = about.get(field.name, "").replace("|", "\\|")
        rows.append(f"| `{field.name}` | `{field.default}` | {tuned} | {meaning} |")
    return [*rows, ""]


def card(name: str, method: type[Method]) -> str:
    """Heading, facts, definition and options of one method."""
    module = inspect.getmodule(method)
    assert module is not None
    facts = [f"`{method.regime}`", method.source or "no paper"]
    facts += ["trains B alone"] if method.learns == "B" else []
    facts += (
        [f"measures {', '.join(f'`{kind}`' for kind in sorted(method.gathers))}"] if method.gathers else []
    )
    text = dedent(module.__doc__ or "").strip()
    head = [f"### {name}", "", f"{method.title}: {'; '.join(facts)}.", ""]
    return "\n".join([*head, "```text", text, "```", "", *options(method)])


def main() -> None:
    """The cards, family by family."""
    methods = {name: method_class(name) for name in registry.entries("methods")}
    for family in FAMILIES:
        own = {name: method for name, method in methods.items() if method.family == family}
        print(f"## {family.capitalize()}", end="\n\n")
        for name, method in own.items():
            print(card(name, method))


if __name__ == "__main__":
    main()

"""The card of a method: what its class says, beside what its records say."""

import inspect
from typing import Any

from cbench.errors import CbenchError
from cbench.leaderboard.collect import Entry
from cbench.plugins import registry


def card(entry: Entry) -> dict[str, Any]:
    """Docstring, family, source and options of a method's class, as far as it is installed here, and the
    regime, version and options of its records."""
    method = entry.method
    about: dict[str, Any] = {"regime": method.regime, "version": method.version, "options": method.options}
    try:
        cls = registry.load("methods", method.name)
    except CbenchError as error:
        return about | {"family": "", "source": "", "text": "", "missing": str(error)}
    module = inspect.getmodule(cls)
    texts = [inspect.getdoc(cls) or "", inspect.getdoc(module) or "" if module else ""]
    return about | {
        "family": str(getattr(cls, "family", "")),
        "source": str(getattr(cls, "source", "")),
        "text": "\n\n".join(filter(None, texts)),
        "missing": "",
    }

"""The scripts of plotly and of DataTables (from itables) as classic scripts: a page opened from a file may
not load modules."""

import re
from importlib.util import find_spec
from pathlib import Path

from cbench.errors import BadInput

NEEDS = "the board needs plotly, itables and jinja2: uv pip install 'cbench[board]'"
EXPORTS = re.compile(r"export\s*\{([^{}]*\bas default\b[^{}]*)\}\s*;?")


def check_installed() -> None:
    """Raises BadInput, with the command that installs it, if the extra `board` is missing."""
    if not all(map(find_spec, ("plotly", "itables", "jinja2"))):
        raise BadInput(NEEDS)


def _package(name: str) -> Path:
    """The folder of a package, which is not imported: that would take seconds."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise BadInput(NEEDS)
    return Path(spec.submodule_search_locations[0])


def classic(module: str) -> str:
    """A bundled JavaScript module without imports as a classic script: its default export becomes
    `window.DataTable`. Raises BadInput if it has no default export."""
    match = EXPORTS.search(module)
    pairs = (part.split(" as ") for part in match[1].split(",") if " as " in part) if match else ()
    names = {exported: own for own, exported in pairs}
    if match is None or "default" not in names:
        raise BadInput(
            "this version of itables has another bundle than cbench knows; install itables>=2.2,<3"
        )
    body = f"{module[: match.start()]};window.DataTable={names['default']};{module[match.end() :]}"
    return f'(function(){{"use strict";{body}\n}})();\n'


def libraries() -> dict[str, bytes]:
    """File name -> content of the scripts and styles that all pages share."""
    tables = _package("itables") / "html"
    try:
        return {
            "plotly.min.js": (_package("plotly") / "package_data" / "plotly.min.js").read_bytes(),
            "tables.js": classic((tables / "dt_bundle.js").read_text("utf-8")).encode(),
            "tables.css": (tables / "dt_bundle.css").read_bytes(),
        }
    except OSError as error:
        raise BadInput(f"{NEEDS} ({error.filename} is missing)") from error

"""Checks that built pages load nothing from another host: `python external.py SITE`. Links to click on are
free."""

import re
import sys
from pathlib import Path

LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video)\b[^>]*\bsrc=["']?(?:https?:)?//[^"'\s>]+"""
    r"""|<link\b(?![^>]*rel=["']?(?:canonical|next|prev))[^>]*\bhref=["']?(?:https?:)?//[^"'\s>]+"""
    r"""|@import\s+["'(]?(?:url\()?["']?(?:https?:)?//[^"')\s]+|url\(["']?(?:https?:)?//[^"')\s]+"""
)


def requests(site: Path) -> list[str]:
    """`page: what it loads`, for every page and style sheet."""
    files = sorted(path for path in site.rglob("*") if path.suffix in (".html", ".css", ".svg"))
    return [
        f"{path.relative_to(site)}: {requested}"
        for path in files
        for requested in LOADED.findall(path.read_text(encoding="utf-8"))
    ]


def main() -> None:
    """Exit code 1: a page loads something from elsewhere."""
    requested = requests(Path(sys.argv[1]))
    print("\n".join(requested) or "no page loads anything from another host")
    sys.exit(bool(requested))


if __name__ == "__main__":
    main()

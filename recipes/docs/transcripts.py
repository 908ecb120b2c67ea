"""Renews the outputs in the pages: `python transcripts.py FOLDER`.

The command of every comment `<!-- printed by: COMMAND -->` runs in FOLDER, and what it prints replaces the
block below. Runs that are stored in FOLDER are reused."""

import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PRINTED = re.compile(r"(<!-- printed by: (.+?) -->\n```text\n).*?(```\n)", re.DOTALL)


def renewed(page: str, folder: Path) -> str:
    """The page with what its commands print now."""

    def block(match: re.Match[str]) -> str:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", match[2]], cwd=folder, capture_output=True, text=True, check=True
        )
        lines = [line.rstrip() for line in done.stdout.splitlines()]
        return "\n".join([match[1] + lines[0], *lines[1:], match[3]])

    return PRINTED.sub(block, page)


def main() -> None:
    """All pages."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(DOCS.rglob("*.md")):
        text = path.read_text()
        path.write_text(renewed(text, folder))


if __name__ == "__main__":
    main()

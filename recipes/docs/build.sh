#!/usr/bin/env bash
# Builds the documentation strictly: a broken link, anchor or reference is an error. Needs the extra `docs`.
# Usage: build.sh [SITE]   SITE, a folder that does not exist yet, receives the pages.
set -euo pipefail
home=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$home/docs" "$home/mkdocs.yml" "$work"
python "$home/recipes/docs/command_line.py" >> "$work/docs/reference/command-line.md"
python "$home/recipes/docs/methods.py" >> "$work/docs/reference/methods.md"
(cd "$work" && NO_COLOR=1 zensical build --strict --clean)
python "$home/recipes/docs/external.py" "$work/site"
if [ $# -gt 0 ]; then mv "$work/site" "$1"; fi

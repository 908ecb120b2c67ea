#!/usr/bin/env bash
# The quick tests with the lowest version of every direct dependency that pyproject.toml admits, in a fresh environment:
# recipes/supply/lowest.sh [PYTEST OPTIONS]. `PYTHON` names the lowest Python; newer ones have no wheels of versions that old.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/../.." && pwd)
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
unset VIRTUAL_ENV PYTHONPATH
"${PYTHON:-python3.11}" -m venv "$home/venv"
. "$home/venv/bin/activate"
pip install --quiet uv
mkdir "$home/cbench" # a copy, because an installation in place writes below the checkout
tar -C "$checkout" --exclude=./.venv --exclude=./build --exclude='./*.egg-info' -cf - . | tar -C "$home/cbench" -xf -
cd "$home/cbench"
uv pip install --quiet --compile-bytecode --resolution lowest-direct -e ".[test]" --config-settings editable_mode=strict
cbench ls methods
pytest -n auto --dist worksteal "$@"

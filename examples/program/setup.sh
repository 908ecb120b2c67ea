#!/usr/bin/env bash
# Creates the program's environment, my_program/.venv, with the versions of my_program/requirements.txt. PYTHON names another interpreter.
set -euo pipefail
cd "$(dirname "$0")/my_program"
"${PYTHON:-python3}" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt

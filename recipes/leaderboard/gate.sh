#!/usr/bin/env bash
# The project's own gate: the committed records give exactly the committed baseline, and two tasks learned here and now keep to theirs.
set -euo pipefail
home=$(cd "$(dirname "$0")/../.." && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cbench check "$home/leaderboard" --baseline "$home/leaderboard/baselines/records.json" --exact
"$home/recipes/leaderboard/fresh.sh" "$out"
cbench check "$out" --baseline "$home/leaderboard/baselines/fresh.json"

#!/usr/bin/env bash
# Writes what is committed of finished runs: the records, LEADERBOARD.md, and the two baselines of the gate (gate.sh).
# Usage: write.sh RESULTS
set -euo pipefail
out=$1
home=$(cd "$(dirname "$0")/../.." && pwd)
export OMP_NUM_THREADS=1
python "$home/recipes/leaderboard/compact.py" "$out" "$home/leaderboard/records"
if [ -f "$out/ceilings.json" ]; then cp "$out/ceilings.json" "$home/leaderboard/ceilings.json"; fi
cbench leaderboard "$home/leaderboard" --stats --out "$home/LEADERBOARD.md"
cbench check "$home/leaderboard" --baseline "$home/leaderboard/baselines/records.json" --update
"$home/recipes/leaderboard/fresh.sh" "$out/fresh"
cbench check "$out/fresh" --baseline "$home/leaderboard/baselines/fresh.json" --update

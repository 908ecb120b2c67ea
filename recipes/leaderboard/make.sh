#!/usr/bin/env bash
# Produces the committed leaderboard of the mini track: the runs of board.yaml, one process a core; then the measures beside the scores,
# the records, the page, and the baselines of the gate.
# Usage: make.sh RESULTS   A repeated command goes on where it was; `cbench run --runs board.yaml --dry-run` says what it costs.
set -euo pipefail
out=$1
home=$(cd "$(dirname "$0")/../.." && pwd)
export OMP_NUM_THREADS=1 CBENCH_RESULTS=$out

cbench run --runs "$home/recipes/leaderboard/board.yaml" --executor local --workers "$(nproc --all)"
printf 'objects\nstyles\n' | xargs -P "$(nproc --all)" -I{} cbench diagnose --before --track mini --suite {} --results "$out" > /dev/null
"$home/recipes/leaderboard/write.sh" "$out"

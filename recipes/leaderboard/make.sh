#!/usr/bin/env bash
# Produces the committed leaderboard of the mini track: every run by `cbench run` itself, the two suites side by side, one core each.
# Usage: make.sh RESULTS [SEED...]   A repeated command goes on where it was.
set -euo pipefail
out=$1
shift
seeds=("${@:-0 5}")
home=$(cd "$(dirname "$0")/../.." && pwd)

suite() {
    for seed in ${seeds[*]}; do
        for order in 0 5 10 42; do
            for method in base naive merge_init ortho_init magmax; do
                cbench run --track mini --suite "$1" --method "$method" --order "$order" --seed "$seed" --out "$out" > /dev/null
                echo "$(date +%T) $1 $method order $order seed $seed"
            done
        done
    done
}

export OMP_NUM_THREADS=1
suite objects &
suite styles
wait
python "$home/recipes/leaderboard/compact.py" "$out" "$home/leaderboard/records"
cbench leaderboard "$home/leaderboard" --out "$home/LEADERBOARD.md"

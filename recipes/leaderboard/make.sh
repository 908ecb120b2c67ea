#!/usr/bin/env bash
# Produces the committed leaderboard of the mini track: every run by `cbench run` itself, the two suites side by side, one core each;
# then the records, the page, and the baselines of the gate.
# Usage: make.sh RESULTS [SEED...]   A repeated command goes on where it was.
set -euo pipefail
out=$1
shift
seeds=("${@:-0 5}")
home=$(cd "$(dirname "$0")/../.." && pwd)

suite() {
    for seed in ${seeds[*]}; do
        for order in 0 5 10 42; do
            for method in base naive merge_init ortho_init magmax "ortho_init --set exact=true"; do
                # shellcheck disable=SC2086  # a method may bring an option
                cbench run --track mini --suite "$1" --method $method --order "$order" --seed "$seed" --out "$out" > /dev/null
                echo "$(date +%T) $1 $method order $order seed $seed"
            done
        done
    done
}

export OMP_NUM_THREADS=1
suite objects &
suite styles
wait
"$home/recipes/leaderboard/write.sh" "$out"

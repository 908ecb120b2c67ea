#!/usr/bin/env bash
# Produces the committed leaderboard of the mini track: every run by `cbench run` itself, one process a core, order by order; then the
# measures beside the scores, the records, the page, and the baselines of the gate.
# Usage: make.sh RESULTS [SEED...]   A repeated command goes on where it was.
set -euo pipefail
out=$1
shift
home=$(cd "$(dirname "$0")/../.." && pwd)
export OMP_NUM_THREADS=1 CBENCH_RESULTS=$out

runs() { # SEED METHOD...: runs of a seed, order by order
    local seed=$1 order method suite
    for order in 0 5 10 42; do
        for method in "${@:2}"; do
            for suite in objects styles; do
                echo "--track mini --suite $suite --order $order --seed $seed --method $method"
            done
        done
    done
}

plan() {
    local seed
    for seed in "$@"; do runs "$seed" base naive merge_init magmax ortho_init; done
    for seed in "$@"; do runs "$seed" "ortho_init --set sum=factors"; done
}

one() {
    # shellcheck disable=SC2086
    cbench run $1 > /dev/null && echo "$(date +%T) $1"
}
export -f one

[ $# -gt 0 ] || set -- 0 5
plan "$@" | xargs -d '\n' -P "$(nproc --all)" -I{} bash -c 'one "$1"' _ {}
printf 'objects\nstyles\n' | xargs -P "$(nproc --all)" -I{} cbench diagnose --before --track mini --suite {} --results "$out" > /dev/null
"$home/recipes/leaderboard/write.sh" "$out"

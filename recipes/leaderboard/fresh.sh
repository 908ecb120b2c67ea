#!/usr/bin/env bash
# The short run of the gate: one method learns two tasks of the mini track, with two seeds, from which the tolerances come.
# Usage: fresh.sh RESULTS
set -euo pipefail
export OMP_NUM_THREADS=1 # as the baseline was made: sums of two threads differ in their last bits, and trainings amplify that
for seed in 0 5; do
    cbench run --track mini --suite objects --method merge_init --order 0 --seed "$seed" --limit-tasks 2 --results "$1" > /dev/null
done

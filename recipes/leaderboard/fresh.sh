#!/usr/bin/env bash
# The short run of the gate: one method learns two tasks of the mini track, with two seeds, from which the tolerances come.
# Usage: fresh.sh RESULTS
set -euo pipefail
for seed in 0 5; do
    cbench run --track mini --suite objects --method merge_init --order 0 --seed "$seed" --limit-tasks 2 --out "$1" > /dev/null
done

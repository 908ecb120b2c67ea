#!/usr/bin/env bash
# Draws the pictures of docs/evidence/figures.md: from the committed records, and of one (order, seed) from the images and adapters that its runs left.
# Usage: draw.sh RESULTS [ORDER SEED]
set -euo pipefail
home=$(cd "$(dirname "$0")/../.." && pwd)
results=$(realpath "$1")
run="o${2:-10}-s${3:-5}"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
mkdir -p "$out/one/records"
cp "$results"/records/mini-*-"$run".json "$out/one/records"
ln -s "$results/store" "$out/one/store"
cbench figures "$home/leaderboard" --out "$out/all" > /dev/null
cbench figures "$out/one" --track mini --interference --examples --out "$out/run" > /dev/null
python "$home/recipes/leaderboard/shrink.py" "$home/docs/pictures" \
    "$out"/all/mini-*-{first_task,tradeoff,length}.png "$out"/all/mini-{objects-heatmap-mini_dino,styles-heatmap-mini_csd}.png \
    "$out"/run/mini-*-{interference,examples}.png

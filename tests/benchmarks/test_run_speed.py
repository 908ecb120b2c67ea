"""A whole run of ten tasks on the mini track: its time, each stage's share, its memory, and the same run
remembered.

What is neither a stage nor the import of the libraries that any script with this pipeline needs is the
harness: at most 5 % is the aim."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = [sys.executable, "-m", "cbench", "run", "--method", "merge_init", "--suite", "styles", "--json"]
LIBRARIES = [
    sys.executable,
    "-c",
    "import torch, peft, accelerate; from diffusers import StableDiffusionXLPipeline",
]


def imports() -> float:
    """Seconds of a process that imports the libraries and ends."""
    began = time.perf_counter()
    subprocess.run(LIBRARIES, check=True)
    return time.perf_counter() - began


def once(out: Path) -> tuple[float, dict]:
    """Seconds of the whole command, and its record."""
    began = time.perf_counter()
    output = subprocess.run([*RUN, "--results", str(out)], check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - began, json.loads(output)


@pytest.mark.slow
def test_whole_run(benchmark, tmp_path: Path) -> None:
    seconds, record = benchmark.pedantic(once, (tmp_path,), rounds=1, iterations=1)
    again, _ = once(tmp_path)
    next((tmp_path / "records").iterdir()).unlink()
    remembered, _ = once(tmp_path)
    costs = record["costs"]
    shares = {stage: costs[f"{stage}_seconds"] for stage in ("train", "sample", "score")}
    shares["libraries"] = imports()
    shares["harness"] = seconds - sum(shares.values())
    lines = [f"{stage:<10} {took:7.1f} s {took / seconds:6.1%}" for stage, took in shares.items()]
    lines += [f"whole      {seconds:7.1f} s", f"peak       {costs['peak_memory_bytes'] / 1e9:7.2f} GB"]
    lines += [
        f"finished   {again:7.1f} s (the record is there)",
        f"remembered {remembered:7.1f} s (the record is put together again)",
    ]
    benchmark.extra_info.update(shares | {"remembered": remembered})
    print("\n" + "\n".join(lines))

"""A session at a cluster, as a user has it; `pytest -s` prints it (docs/evidence/slurm.md)."""

import os
import shlex
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("CBENCH_SLURM" not in os.environ, reason="CBENCH_SLURM=1, after tests/slurm/start"),
]
RUN = "run --method merge_init --suite colours --track long.yaml --all --executor slurm"
RUN += " --partition low --hours 1 --device cpu"


def test_session(cluster, sweep, tmp_path):
    def type_in(line: str) -> str:
        """Run a line and print it with its answer, as a terminal would show both."""
        words = shlex.split(line)
        program = [sys.executable, "-m", "cbench"] if words[0] == "cbench" else words[:1]
        done = subprocess.run(
            [*program, *words[1:]], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        print(f"$ {line}\n{done.stdout}", end="")
        return done.stdout

    def until(*any_of: str) -> None:
        """Look at the status again and again until both jobs show one of these words; what is printed is the
        last look."""
        words = [sys.executable, "-m", "cbench", "status"]

        def look() -> bool:
            output = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True).stdout
            return sum(map(output.count, any_of)) == 2

        cluster.wait(look)
        type_in("cbench status")

    print()
    assert type_in(f"cbench {RUN}").count("submitted") == 2
    until("1/3", "2/3")
    other = type_in(
        "sbatch --parsable --partition=high --nodes=2 --output=/dev/null --wrap 'sleep 600'"
    ).strip()
    cluster.wait(lambda: cluster.restarts() == 2)
    until("waiting")
    type_in("squeue --format '%.6i %.9P %.8T %.9r'")
    type_in(f"scancel {other}")
    cluster.wait(lambda: cluster.hasten() or len(cluster.queue("running")) == 2)
    until("done")
    assert type_in("cbench logs tiny-colours-merge_init-o0-s0").count("sample 9/9") == 1
    assert "no" not in type_in("cbench verify").split()[:1]
    type_in("cbench clean")

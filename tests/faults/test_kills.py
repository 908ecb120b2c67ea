"""A run is killed at random instants of every stage; the same command run again ends with the bytes of an
undisturbed run."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from tabulate import tabulate

from cbench.store.lease import busy

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
STAGES = {
    "start": "claims",
    "images": "store/images/*/*",
    "adapters": "store/adapters/*/*",
    "scores": "store/scores/*/*",
    "record": "records/*",
}
LAST = {"start": 1, "images": 9, "adapters": 2, "scores": 8, "record": 1}
"""How many results of a stage a run may have when it is killed: another one is then in the making."""
PAUSE = 0.08
"""Seconds within which such a result comes."""
MINI_LAST = {"start": 1, "images": 5, "adapters": 1, "scores": 8, "record": 1}
MINI_PAUSE = 1.5
DICE = random.Random(os.environ.get("CBENCH_FAULT_SEED", "1"))
QUICK = [(SIGNALS[k % 3], list(STAGES)[k % 5]) for k in range(12)]


@pytest.fixture
def undisturbed(finish, command, bytes_of, tmp_path: Path) -> dict:
    assert finish(command(tmp_path / "undisturbed"))[0] == 0
    return bytes_of(tmp_path / "undisturbed")


def kill_in(
    stage: str, begun, out: Path, by: signal.Signals, last: dict[str, int] = LAST, pause: float = PAUSE
) -> None:
    """Wait for a random number of the stage's results, then a random time, and send the signal."""
    process, wanted = begun[0], DICE.randint(1, last[stage])
    end = time.monotonic() + 60
    while len(list(out.glob(STAGES[stage]))) < wanted and process.is_alive() and time.monotonic() < end:
        time.sleep(0.001)
    time.sleep(DICE.uniform(0, pause))
    if process.is_alive():
        os.kill(process.pid, by)
    process.join(60)


def one_kill(start, finish, command, out: Path, by: signal.Signals, stage: str, *when) -> int | None:
    """Kill once, go on to the end; the exit code of the killed process."""
    begun = start(command(out))
    kill_in(stage, begun, out, by, *when)
    code, output = begun[0].exitcode, begun[1].read_text()
    assert code in (0, -by, 130), output
    if code == 130:
        assert "resume with: cbench run --method ortho_init" in output and "Traceback" not in output, output
    again, output = finish(command(out))
    assert again == 0, output
    return code


def test_a_dozen_kills(start, finish, command, bytes_of, tmp_path, undisturbed):
    codes = []
    for number, (by, stage) in enumerate(QUICK):
        out = tmp_path / f"out{number}"
        codes.append(one_kill(start, finish, command, out, by, stage))
        assert bytes_of(out) == undisturbed, f"{by.name} in {stage}"
        assert not [p for p in out.rglob("claims/*") if busy(p)], "a dead owner holds nothing"
    assert sum(code != 0 for code in codes) >= 8, f"most kills must hit a living run: {codes}"


def many_kills(start, finish, command, bytes_of, tmp_path: Path, *when) -> None:
    """As many kills as CBENCH_FAULTS says, in stages drawn by lot, and the table of them."""
    assert finish(command(tmp_path / "undisturbed"))[0] == 0
    undisturbed = bytes_of(tmp_path / "undisturbed")
    tries, hits = Counter(), Counter()
    for number in range(int(os.environ["CBENCH_FAULTS"])):
        by, stage, out = DICE.choice(SIGNALS), DICE.choice(list(STAGES)), tmp_path / f"out{number}"
        hit = one_kill(start, finish, command, out, by, stage, *when) != 0
        assert bytes_of(out) == undisturbed, f"number {number}, {by.name} in {stage}"
        tries[by.name, stage] += 1
        hits[by.name, stage] += hit
        shutil.rmtree(out)
    rows = [(*fault, tries[fault], hits[fault], "same bytes") for fault in sorted(tries)]
    rows.append(("all", "", tries.total(), hits.total(), "same bytes"))
    print(
        "\n"
        + tabulate(
            rows, headers=("signal", "stage", "tries", "hit a living run", "after the same command again")
        )
    )
    assert hits.total() > tries.total() / 2, "most kills must hit a living run"


@pytest.mark.slow
@pytest.mark.skipif("CBENCH_FAULTS" not in os.environ, reason="CBENCH_FAULTS=200 sets the number of kills")
def test_many_kills(start, finish, command, bytes_of, tmp_path):
    many_kills(start, finish, command, bytes_of, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif("CBENCH_FAULTS" not in os.environ, reason="CBENCH_FAULTS=200 sets the number of kills")
def test_many_kills_of_the_mini_track(start, finish, mini_command, bytes_of, tmp_path):
    many_kills(start, finish, mini_command, bytes_of, tmp_path, MINI_LAST, MINI_PAUSE)


def test_interrupted_run_says_where_it_stood_and_how_to_go_on(start, command, tmp_path):
    process, log = start(command(tmp_path / "out"))
    while not list((tmp_path / "out").glob("store/adapters/*/*")) and process.is_alive():
        time.sleep(0.001)
    began = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    process.join(60)
    lines = [line for line in log.read_text().splitlines() if line.startswith("cbench:")]
    assert process.exitcode == 130 and time.monotonic() - began < 5
    assert len(lines) == 1 and "interrupted in colours ortho_init order 0 seed 0 after train " in lines[0]
    assert lines[0].endswith(f"resume with: cbench {' '.join(command(tmp_path / 'out'))}")

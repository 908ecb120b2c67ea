"""The project's own gate: what is committed for it, and what its scripts and its workflow say."""

from pathlib import Path

import yaml

from cbench.leaderboard import baseline, check
from cbench.plan import open_track

ROOT = Path(__file__).parents[2]
BASELINES = ROOT / "leaderboard" / "baselines"


def test_committed_records_give_exactly_the_committed_baseline() -> None:
    stored, broken = check.gather([ROOT / "leaderboard"])
    outcomes = broken + check.check(baseline.read(BASELINES / "records.json"), stored, exact=True)
    assert check.failure(outcomes) is None
    assert [outcome.verdict for outcome in outcomes] == ["exact"] * len(stored)


def test_baseline_of_the_short_run_is_of_the_present_track() -> None:
    """Made by `recipes/leaderboard/write.sh`; another world, method or stream wants another one."""
    held, track = baseline.read(BASELINES / "fresh.json"), open_track("mini")
    assert (held.track.name, held.track.version, held.track.digest) == (
        track.name,
        track.version,
        track.digest,
    )
    assert [(run.suite, run.method, run.order, run.seed, run.learned) for run in held.runs] == [
        ("objects", "merge_init", 0, s, 2) for s in (0, 5)
    ]
    assert {tolerance.spread for tolerance in held.tolerances} == {"seeds"}


def test_short_run_learns_what_its_baseline_holds() -> None:
    words = (ROOT / "recipes" / "leaderboard" / "fresh.sh").read_text()
    assert "for seed in 0 5;" in words
    assert (
        "--track mini --suite objects --method merge_init --order 0" in words and "--limit-tasks 2" in words
    )


def test_ci_runs_the_gate() -> None:
    assert "recipes/leaderboard/gate.sh" in (ROOT / ".ci" / "run").read_text().splitlines()
    gate = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]["records"][
        "steps"
    ][-1]
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert gate["uses"] == "./" and gate["with"].keys() <= action["inputs"].keys()
    assert all((ROOT / gate["with"][name]).exists() for name in ("baseline", "results"))

"""`--dry-run`: what the runs of a board would do and cost, with the work that they share counted once."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cbench.backbone.device import pick
from cbench.dry_run import Item, Work, together, work_of
from cbench.plan import Plan
from cbench.preflight.flops import known, min_gpu_memory
from cbench.preflight.footprint import min_memory, stored_bytes
from cbench.preflight.probe import Probe, probe
from cbench.progress import clock
from cbench.results import Results
from cbench.stages.optimizer import fallback, fallback_line
from cbench.track import Track
from cbench.utils.text import megabytes


class SuiteCost(NamedTuple):
    """What is left to do of one suite, and what it costs."""

    suite: str
    left: Mapping[str, Item]
    """The results that no finished task of the board has given, by key."""
    probe: Probe
    batch: int
    """Images of a training step: a measurement's draws cost as much as steps on so many."""

    def count(self, *stages: str) -> int:
        """Results of some stages."""
        return sum(item.stage in stages for item in self.left.values())

    def cost(self, *stages: str) -> int:
        """Forward passes, draws or images of some stages."""
        return sum(item.cost for item in self.left.values() if item.stage in stages)

    @property
    def steps(self) -> int:
        """Optimizer steps of all trainings."""
        return sum(item.steps for item in self.left.values())

    @property
    def seconds(self) -> float:
        """Seconds of training, measuring and sampling, one after the other."""
        passes = self.cost("train") + self.cost("measure") / self.batch
        return passes * self.probe.step + self.cost("sample", "dream") * self.probe.image

    def disk(self, track: Track) -> int:
        """Bytes of adapters, images and measurements."""
        measured = sum(self.probe.measured[item.kind] for item in self.left.values() if item.kind)
        images = self.cost("sample", "dream")
        return measured + stored_bytes(track, images, self.count("train"), self.probe.adapter)

    def data(self) -> dict[str, Any]:
        """For programs and readers."""
        measured = self.cost("measure")
        return {
            "trainings": self.count("train"),
            "training_steps": self.steps,
            "images": self.cost("sample", "dream"),
            **({"measured_draws": measured} if measured else {}),
            "seconds_a_step": round(self.probe.step, 4),
            "seconds_an_image": round(self.probe.image, 4),
            "from": self.probe.basis,
        }


def estimate(asked: Sequence[Plan], results: Results, device: str, workers: int, as_json: bool) -> str:
    """The plan of a board as text or JSON; nothing is written. `workers` processes share the work."""
    on, works = pick(device), [work_of(plan) for plan in asked]
    finished = [done_keys(plan, work, results) for plan, work in zip(asked, works, strict=True)]
    done = set[str]().union(*finished)
    suites = [_suite(suite, asked, works, done, on) for suite in dict.fromkeys(plan.suite for plan in asked)]
    track, seconds = asked[0].track, sum(suite.seconds for suite in suites)
    workers = min(workers, len(asked))
    plan: dict[str, Any] = {
        "track": f"{track.name} v{track.version} ({track.digest})",
        "runs": len(asked),
        "runs_done": sum(keys == work.items.keys() for keys, work in zip(finished, works, strict=True)),
        "tasks": asked[0].limit,
        **({"optimizer": fallback_line(track.training, on)} if fallback(track.training, on) else {}),
        **_sums([suite.data() for suite in suites]),
        "expected_seconds": round(seconds),
        "exact": together(works).exact,
        "workers": workers,
        "expected_seconds_of_workers": round(seconds / workers),
        "expected_disk_bytes": sum(suite.disk(track) for suite in suites),
        "expected_memory_bytes": min_memory(track),
        **({"expected_gpu_bytes": min_gpu_memory(work, track)} if (work := known(track.backbone)) else {}),
    }
    if as_json:
        return json.dumps(plan | {"suites": {suite.suite: suite.data() for suite in suites}})
    return _text(plan, suites, on)


def done_keys(plan: Plan, work: Work, results: Results) -> set[str]:
    """The keys of the tasks that a run has finished, by its record."""
    record = results.stored(plan)
    if record is None or record.source != plan.source or results.lost(record):
        return set()
    return {key for key, item in work.items.items() if item.task <= record.learned}


def _suite(
    suite: str, asked: Sequence[Plan], works: Sequence[Work], done: set[str], device: str
) -> SuiteCost:
    plans = [plan for plan in asked if plan.suite == suite]
    work = together(work for plan, work in zip(asked, works, strict=True) if plan.suite == suite)
    left = {key: item for key, item in work.items.items() if key not in done}
    kinds = {item.kind for item in left.values() if item.kind}
    cost = probe(plans[0], device, kinds) if left else Probe(0.0, 0.0, 0, {}, "nothing is left to do")
    return SuiteCost(suite, left, cost, plans[0].track.of(suite).training.batch)


def _memory(plan: dict[str, Any]) -> str:
    """What the weights take in the computer, and training on a GPU beside its activations."""
    gpu = plan.get("expected_gpu_bytes")
    on_gpu = f", {megabytes(gpu)} on a GPU and the activations" if gpu else ""
    return f"at least {megabytes(plan['expected_memory_bytes'])} for the weights{on_gpu}"


def _sums(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The counts of all suites; what a step and an image cost only where one suite says it for all."""
    if len(parts) == 1:
        return parts[0]
    counts = ("trainings", "training_steps", "images", "measured_draws")
    return {name: sum(p.get(name, 0) for p in parts) for name in counts if any(name in p for p in parts)}


def _text(plan: dict[str, Any], suites: Sequence[SuiteCost], device: str) -> str:
    """The plan for a reader."""
    lines = [
        _line(key.replace("_", " "), value)
        for key, value in plan.items()
        if key not in ("exact", "workers") and not key.startswith("expected")
    ]
    lines += [_line(suite.suite, _parts(suite)) for suite in suites if len(suites) > 1]
    hours = f", {plan['expected_seconds'] / 3600:.1f} GPU-hours" if device.startswith("cuda") else ""
    lines.append(_line("expected time", f"{clock(plan['expected_seconds'])}{hours} {_bound(plan, suites)}"))
    if plan["workers"] > 1:
        each = clock(plan["expected_seconds_of_workers"])
        lines.append(_line(f"of {plan['workers']} workers", f"{each} if none is ever idle"))
    lines.append(_line("expected disk", f"{megabytes(plan['expected_disk_bytes'])} at most"))
    lines.append(_line("expected memory", _memory(plan)))
    return "\n".join(lines)


def _line(name: str, value: object) -> str:
    return f"{name:<18} {value}"


def _parts(suite: SuiteCost) -> str:
    step, image, _, _, basis = suite.probe
    return (
        f"{suite.count('train')} trainings, {suite.cost('sample', 'dream')} images; {step:.4f} s a step, "
        f"{image:.4f} s an image ({basis})"
    )


def _bound(plan: dict[str, Any], suites: Sequence[SuiteCost]) -> str:
    """What is counted by arithmetic and not measured is a bound from below."""
    if any(suite.probe.basis.startswith("arithmetic") for suite in suites):
        return "at least"
    if plan["exact"]:
        return "(work that runs share is counted once)"
    return "at most (what some methods share is not known before they run)"

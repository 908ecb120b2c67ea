"""What a run learned, as a LoRA file for other programs: the task's adapter, or the whole update as low-rank
factors."""

from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save as packed

from cbench.entries import cited_entry, open_adapter
from cbench.errors import BadInput, of_system
from cbench.plugins.hooks import Hooks
from cbench.plugins.methods import method_from_record
from cbench.posthoc.lora_names import Base, named
from cbench.posthoc.replay import check_replayed, memories, tasks_of
from cbench.record.record import Record
from cbench.update import Adapter, Factors, Update
from cbench.utils.files import make_folder, write_atomically
from cbench.workbench import Workbench

NOISE = 1e-6
"""Singular values below this share of their layer's largest are rounding errors of fp32, not rank."""


class Exported(NamedTuple):
    """The content of a LoRA file."""

    adapter: Adapter
    lost: float
    """Norm of what the factors leave out of the update, relative to the update's, in [0, 1]."""


def low_rank(update: Update, rank: int) -> Exported:
    """The best factors of this rank in every layer (Eckart & Young 1936), and the share of the norm that they
    lose.

    Of a lower rank, at least 1, if no layer's update has so many singular values above the noise.
    """
    factors, values = {}, []
    for name, change in update.items():
        u, s, v = torch.linalg.svd(change.float(), full_matrices=False)
        root = s[:rank].sqrt()
        factors[name] = Factors(A=root[:, None] * v[:rank], B=u[:, :rank] * root)
        values.append(s)
    # one rank for all layers: not every program scales layers of several ranks as diffusers does now
    kept = min(rank, max([1, *(int((s > NOISE * s[0]).sum()) for s in values)]))
    left, whole = (sum(float(s[start:].square().sum()) for s in values) for start in (kept, 0))
    cut = {name: Factors(A=A[:kept], B=B[:, :kept]) for name, (A, B) in factors.items()}
    return Exported(cut, (left / whole) ** 0.5 if whole else 0.0)


def export(record: Record, bench: Workbench, task: int, what: str, rank: int | None) -> Exported:
    """The adapter trained in task `task` (1, 2, ...), or the update of the model after it. BadInput for what
    the run does not have."""
    if not 1 <= task <= record.learned or not record.stored.adapters:
        raise BadInput(
            f"--task {task}: {record.file_name} has learned tasks 1 to "
            f"{record.learned if record.stored.adapters else 0}"
        )
    if what == "adapter":
        entry = cited_entry(bench.store, "adapters", record.stored.adapters[task - 1])
        return Exported(open_adapter(entry), 0.0)
    method, tasks = method_from_record(record), tasks_of(record, bench.track)
    memory = next(islice(memories(method, record, tasks, bench.store), task - 1, None))
    model = Hooks(method).model(memory, tasks[task - 1])
    check_replayed(bench, record, model, tasks[task - 1], (task - 1, task - 1))
    return low_rank(model, rank or bench.track.of(record.suite).training.rank * task)


def write(exported: Exported, path: Path, naming: str, base: Base) -> None:
    """Write the file for a pipeline, whole or not at all; BadInput if it cannot be written."""
    tensors = packed(named(exported.adapter, naming, base), metadata={"format": "pt"})
    try:
        make_folder(path.parent)
        write_atomically(path, tensors)
    except OSError as error:
        raise of_system(OSError(error.errno, error.strerror, str(path))) from error

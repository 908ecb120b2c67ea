"""The resources of a job: read from a profile file (YAML), overridden by flags.

```yaml
partition: gpu
account: proj42
gpus: 1        # of each job
cpus: 8
hours: 12
setup: [module load cuda]
extra: {constraint: a100, qos: preemptible}   # any other option of sbatch
```
"""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from cbench.errors import BadInput
from cbench.utils.text import first_error, read_yaml
from cbench.utils.values import Frozen, Int, Real


class Profile(Frozen):
    """The resources of one job, and the number of jobs at a time."""

    partition: str | None = None
    account: str | None = None
    gpus: Int = Field(default=0, ge=0)
    cpus: Int = Field(default=1, ge=1)
    """Threads of one job: on a CPU the last bits of a run depend on them."""
    memory_gb: Real | None = Field(default=None, gt=0)
    hours: Real = Field(default=24, gt=0)
    """Time limit of one start; a job that needs longer is requeued and resumes."""
    workers: Int | None = Field(default=None, ge=1)
    """Jobs at a time; by default all cores (or GPUs) of this machine, no limit on a cluster."""
    requeues: Int = Field(default=100, ge=0)
    """How often a job may reach its time limit."""
    setup: tuple[str, ...] = ()
    """Shell commands to run before the job."""
    extra: dict[str, str | int] = {}


def open_profile(path: Path | None, flags: dict[str, Any]) -> Profile:
    """The profile in a file, overridden by flags. Raises BadInput with the file and the field."""
    fields = read_yaml(path, "profile") if path else {}
    name = f"profile {path}" if path else "profile"
    if not isinstance(fields, dict):
        raise BadInput(f"{name}: top level: should be a mapping")
    try:
        return Profile.model_validate({**fields, **{k: v for k, v in flags.items() if v is not None}})
    except ValidationError as error:
        raise BadInput(f"{name}: {first_error(error)}") from error

"""What a job may use: read from a profile file (YAML), and from flags that win over it.

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
    """Means of one job, and how many run at a time."""

    partition: str | None = None
    account: str | None = None
    gpus: Int = Field(default=0, ge=0)
    cpus: Int = Field(default=1, ge=1)
    """Of one job, its threads: on a CPU a run's last bits depend on them."""
    memory_gb: Real | None = Field(default=None, gt=0)
    hours: Real = Field(default=24, gt=0)
    """Of one start; a job that needs longer is requeued and goes on."""
    workers: Int | None = Field(default=None, ge=1)
    """Jobs at a time; all cores (or GPUs) of this machine where it is not given, no limit on a cluster."""
    requeues: Int = Field(default=100, ge=0)
    """How often a job may run out of time."""
    setup: tuple[str, ...] = ()
    """Shell lines before the job."""
    extra: dict[str, str | int] = {}


def open_profile(path: Path | None, flags: dict[str, Any]) -> Profile:
    """The profile in a file with the flags that were given laid over it; BadInput names the file and the
    field."""
    told = read_yaml(path, "profile") if path else {}
    where = f"profile {path}" if path else "profile"
    if not isinstance(told, dict):
        raise BadInput(f"{where}: top level: should be a mapping")
    try:
        return Profile.model_validate({**told, **{k: v for k, v in flags.items() if v is not None}})
    except ValidationError as error:
        raise BadInput(f"{where}: {first_error(error)}") from error

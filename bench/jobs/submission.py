"""A job as submitit hands it on: JSON, under the file name that submitit gives it. Nothing is unpickled."""

import json
from pathlib import Path
from typing import Any

from submitit.core.utils import DelayedSubmission


class Submission(DelayedSubmission):
    """A job with the minutes that one start may take, and how often it may still run out of them."""

    function: Any
    """The job."""

    def dump(self, filepath: str | Path) -> None:
        """Write it as JSON, where submitit would pickle it: when it is sent away, and when it is requeued."""
        values = {
            "job": self.function.model_dump(mode="json"),
            "timeout_min": self._timeout_min,
            "timeouts": self._timeout_countdown,
        }
        Path(filepath).write_text(json.dumps(values, indent=1), encoding="utf-8")

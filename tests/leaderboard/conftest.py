"""The builders of records.py as fixtures (tests cannot import each other)."""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from cbench.record.record import Record


@pytest.fixture(scope="session")
def records() -> SimpleNamespace:
    """`make_record`, `make_scores`, `grid`, `write`, `damage`."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("records.py"))))


@pytest.fixture(scope="session")
def make_record(records: SimpleNamespace) -> Callable[..., Record]:
    return records.make_record

"""What the benchmarks do otherwise than the tests."""

import pytest


@pytest.fixture(autouse=True)
def quick_flush() -> None:
    """Times are of the real disk."""

"""What the tests of the documentation share."""

import sys
from collections.abc import Iterator

import pytest

PACKAGES = ("my_plugin", "my_suite")


@pytest.fixture(autouse=True)
def forgets_packages() -> Iterator[None]:
    """Each test installs its own packages of these names; modules of one test must not serve the next."""
    yield
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        del sys.modules[name]

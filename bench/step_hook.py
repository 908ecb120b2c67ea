"""A function of the adapter in training that every step calls: a penalty or a projection."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cbench.update import Adapter


class StepHook(NamedTuple):
    """The function, and what tells it from others."""

    call: "Callable[[Adapter], Any]"
    """Penalty: a scalar tensor or None. Projection: an adapter of the same shapes."""
    identity: Any = None
    """A JSON value for the key of the stored result."""

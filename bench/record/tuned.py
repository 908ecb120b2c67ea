"""What a record says of options that were chosen by `cbench tune`."""

from pydantic import Field

from cbench.utils.values import Frozen


class Tuned(Frozen):
    """How the values of some options were chosen."""

    options: dict[str, int | float] = Field(min_length=1)
    """The chosen values."""
    trials: int = Field(ge=1)
    """How many values were tried."""
    objective: str
    """What was to be as high as possible: `average_score of mini_csd`."""
    stream: str
    """Digest of the validation stream, which is none of the track's."""
    order: int
    seed: int

"""The base model: nothing is trained. The floor of every table."""

from typing import ClassVar

from cbench.method import Method


class Base(Method):
    """W_t = W_0."""

    name = "base"
    title = "Base model"
    family = "bound"
    trains: ClassVar[bool] = False

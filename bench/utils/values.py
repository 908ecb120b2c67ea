"""Base classes of immutable values."""

from typing import Annotated, Any, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic_core import PydanticCustomError


def _a_number(what: str) -> BeforeValidator:
    """A boolean or a text is no number: pydantic would take `true` for 1 and `1_0` for 10."""

    def check(value: Any) -> Any:
        if isinstance(value, bool | str):
            raise PydanticCustomError("number_type", f"Input should be a valid {what}")
        return value

    return BeforeValidator(check)


Int = Annotated[int, _a_number("integer")]
Real = Annotated[float, _a_number("number")]


class Frozen(BaseModel):
    """An immutable value; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Grown(Frozen):
    """A value that got fields after its first publication: they are serialized only if set, so that old
    digests stay the same."""

    later: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _without_unset(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialize(self)
        return {
            k: v
            for k, v in fields.items()
            if k not in self.later or getattr(self, k) != type(self).model_fields[k].default
        }

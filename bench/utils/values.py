"""Base classes of immutable values."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


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

"""What all descriptions of input have in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

# No object has so many fields; each unknown one would be an error of its own.
MOST_FIELDS = 100


class Given(BaseModel):
    """Parameters or a body: what is unknown is refused, so that a misspelt name is noticed."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _not_very_many(cls, values: Any) -> Any:
        if isinstance(values, dict) and len(values) > MOST_FIELDS:
            raise ValueError(f"an object has at most {MOST_FIELDS} fields")
        return values


class _Omittable:
    """Leaves null out of the published schema of `X | None`; the model itself refuses it.

    Not `X | SkipJsonSchema[None]`: that is a union to pydantic, which reports an error for each of
    its branches, at places that no request has.
    """

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        (wanted,) = [choice for choice in handler(schema)["anyOf"] if choice != {"type": "null"}]
        return dict(wanted)


# The last mark of an `Annotated[X | None, OMITTABLE]`.
OMITTABLE = _Omittable()

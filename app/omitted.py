"""Fields that are left out where they are not wanted; null is no value of theirs."""

from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema


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

"""Whole numbers in JSON, which does not tell 5 from 5.0."""

from typing import Any

from pydantic import BeforeValidator


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The last mark of an `Annotated[int, Field(strict=True, ...), WHOLE]`.
WHOLE = BeforeValidator(_whole)

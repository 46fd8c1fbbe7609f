"""Pagination cursors: opaque base64url text that says where the next page begins."""

import base64
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import AppError, InvalidRequestError

# Several times the length of any cursor.
MAX_LENGTH = 512

CursorText = Annotated[
    str,
    Field(
        max_length=MAX_LENGTH,
        pattern="^[A-Za-z0-9_-]*$",
        description="`next` of the page before; empty for the first page",
    ),
]

C = TypeVar("C", bound="Cursor")


class CursorExpiredError(AppError, status=410):
    """The list has changed since this cursor was given."""

    meaning = (
        "The list has changed since this cursor was given (new ratings, another model, another "
        "order of popularity, or other recent likes): start again without a cursor."
    )


class Cursor(BaseModel):
    """Base of the cursors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def encode(self) -> str:
        """Return base64url without padding."""
        text = self.model_dump_json().encode()
        return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def decode(kind: type[C], text: str, where: str = "query") -> C | None:
    """Read a cursor from the query or the body, None for the first page."""
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        return kind.model_validate_json(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError as error:  # of base64, UTF-8, JSON or a field
        raise malformed(where) from error


def malformed(where: str = "query") -> InvalidRequestError:
    """Return the error for a cursor that does not belong to this request."""
    return InvalidRequestError.at(
        [where, "cursor"], "this is no cursor of this list; start without one", "cursor_invalid"
    )

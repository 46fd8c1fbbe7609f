"""Keys of movies and users in paths, queries and bodies."""

import re
from operator import methodcaller
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

from fastapi import Path
from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema
from pydantic_core.core_schema import custom_error_schema, str_schema
from starlette.convertors import StringConvertor, register_url_convertor

from data.movie_keys import movie_key
from data.rules import (
    KEY_PATTERN,
    MAX_MOVIE_ID,
    MAX_MOVIE_KEY_LENGTH,
    MAX_USER_KEY_LENGTH,
    MOVIE_KEY_MEANING,
    USER_KEY_MEANING,
    shown,
)

# In a decoded path: an encoded slash, and what was no text. No key can hold either.
SLASH, NO_TEXT = "\ufdd0", "\ufdd1"
_ENCODED_SLASH = re.compile(b"%2[Ff]")
_NOT_IN_TEXT = re.compile(f"{SLASH}|[\udc80-\udcff]")


def _movie_key(value: Any) -> int | str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | str) and not isinstance(value, bool):
        return movie_key(value)
    raise ValueError(f"{shown(value)} is no movie key ({MOVIE_KEY_MEANING})")


def _movie_in_path(text: str) -> int | str:
    return movie_key(text.replace(SLASH, "/"))


class _UserKey:
    """Checks a user key by the rule of `data.rules.is_user_key`, without a call of Python."""

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        return custom_error_schema(
            str_schema(
                pattern=KEY_PATTERN, min_length=1, max_length=MAX_USER_KEY_LENGTH, strict=True
            ),
            custom_error_type="user_key",
            custom_error_message=f"this is no user key ({USER_KEY_MEANING})",
        )


_MOVIE_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": MAX_MOVIE_ID},
            {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_MOVIE_KEY_LENGTH,
                "pattern": KEY_PATTERN,
            },
        ],
        "examples": [2959, "sku-18"],
    }
)

# In a body or query: whole numbers up to 2^31 - 1 become int, whether sent as a number or a text.
SentMovieKey = Annotated[int | str, PlainValidator(_movie_key), _MOVIE_SCHEMA]
SentUserKey = Annotated[str, _UserKey(), Field(examples=["42"])]

# In a path.
MovieKey = Annotated[
    int | str,
    PlainValidator(_movie_in_path),
    _MOVIE_SCHEMA,
    Path(description="Key of the movie: its MovieLens id, or your own number or text"),
]
UserKey = Annotated[
    str,
    _UserKey(),
    BeforeValidator(methodcaller("replace", SLASH, "/")),
    Path(
        description="The key under which you know this user; it is opaque to the service",
        examples=["42"],
    ),
]


def decoded(raw_path: bytes) -> str:
    """Decode a path, with `SLASH` for an encoded slash and `NO_TEXT` for what is no UTF-8."""
    return SLASH.join(
        _NOT_IN_TEXT.sub(NO_TEXT, unquote_to_bytes(part).decode("utf-8", "surrogateescape"))
        for part in _ENCODED_SLASH.split(raw_path)
    )


class _MovieConvertor(StringConvertor):
    """`{movie:movie}`: a segment of a path, except the names of other routes."""

    regex = "(?!search$)[^/]+"


register_url_convertor("movie", _MovieConvertor())

"""Movie ids and user keys in paths and bodies."""

from typing import Annotated

from fastapi import Path
from starlette.convertors import StringConvertor, register_url_convertor

MAX_MOVIE_ID = 2**31 - 1
MovieId = Annotated[
    int,
    Path(ge=1, le=MAX_MOVIE_ID, description="MovieLens id of the movie", examples=[2959]),
]

# Not `.` and `..`, which browsers and proxies remove from a path.
KEY_PATTERN = r"^\.*[A-Za-z0-9_~@:+-][A-Za-z0-9._~@:+-]*$"
MAX_KEY_LENGTH = 128
UserKey = Annotated[
    str,
    Path(
        pattern=KEY_PATTERN,
        max_length=MAX_KEY_LENGTH,
        description="The key under which you know this user; it is opaque to the service",
        examples=["42"],
    ),
]


class _MovieConvertor(StringConvertor):
    """`{movie:movie}`: a segment of a path, except the names of other routes."""

    regex = "(?!search$)[^/]+"


class _VersionConvertor(StringConvertor):
    """`{version:version}`: the same for models."""

    regex = "(?!(?:active|rollback|prune|import)$)[^/]+"


register_url_convertor("movie", _MovieConvertor())
register_url_convertor("version", _VersionConvertor())

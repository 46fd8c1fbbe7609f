"""Movie ids and user keys in paths and bodies."""

from typing import Annotated

from fastapi import Path
from starlette.convertors import StringConvertor, register_url_convertor

from data.rules import MAX_KEY_LENGTH, MAX_MOVIE_ID, USER_KEY_PATTERN

MovieId = Annotated[
    int,
    Path(ge=1, le=MAX_MOVIE_ID, description="MovieLens id of the movie", examples=[2959]),
]

KEY_PATTERN = f"^{USER_KEY_PATTERN}$"
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


register_url_convertor("movie", _MovieConvertor())

"""Which movies a list has, and in which order."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from app.http.api import OMITTABLE, RequestModel
from app.http.cursors import CursorText
from app.http.identifiers import SentMovieKey
from app.live.filters import AttributeFilters, Filters
from app.live.trends import MAX_DAYS
from data.rules import MAX_GENRES

MAX_NAMED = 100  # as many as a page has
HOURS = {"h": 1, "d": 24}
# Up to `MAX_DAYS` days.
SPAN_PATTERN = "^(([1-9][0-9]?|[1-6][0-9]{2}|7[01][0-9]|720)h|([1-9]|[12][0-9]|30)d)$"

Unavailable = Annotated[
    bool,
    Field(
        description="Also movies that are withdrawn or outside their window; needs the scope "
        "`admin`"
    ),
]


class MoviesQuery(RequestModel):
    """Which movies, and in which order."""

    sort: Annotated[
        Literal["popular", "newest", "title", "telling"],
        Field(
            description="Most likes first, latest year first, by title without articles, or those "
            "first whose ratings tell most about a new user, which the popular ones follow"
        ),
    ] = "popular"
    genre: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=50)]],
        Field(max_length=MAX_GENRES, description="Only movies of any of these; may be repeated"),
    ] = []
    id: Annotated[
        list[SentMovieKey],
        Field(max_length=MAX_NAMED, description="Only these movies; may be repeated"),
    ] = []
    attribute: AttributeFilters = []
    unavailable: Unavailable = False
    limit: Annotated[int, Field(ge=1, le=100, description="Movies per page")] = 20
    cursor: CursorText = ""


class SearchQuery(RequestModel):
    """What a user has typed."""

    q: Annotated[
        str,
        Field(
            max_length=200,
            description="Words of a title, in any order; the last may be unfinished",
            examples=["godfather"],
        ),
    ]
    unavailable: Unavailable = False
    limit: Annotated[int, Field(ge=1, le=50, description="Movies at most")] = 10


def days_of(span: str) -> float:
    """Return the length of a span of time in days."""
    return int(span[:-1]) * HOURS[span[-1]] / 24


def _counted(span: str) -> str:
    if not re.fullmatch(SPAN_PATTERN, span):
        raise ValueError(
            f"write it as 12h or 7d: likes are counted by time for {MAX_DAYS} days, no longer"
        )
    return span


Span = Annotated[
    str, AfterValidator(_counted), WithJsonSchema({"type": "string", "pattern": SPAN_PATTERN})
]


class TrendingQuery(Filters):
    """How far back likes count, and which movies."""

    window: Annotated[
        Span, Field(description=f"How far back likes count: `12h`, `7d`; {MAX_DAYS} days at most")
    ] = "7d"
    half_life: Annotated[
        Span | None,
        OMITTABLE,
        Field(description="Age at which a like counts half; without it, half of the window"),
    ] = None
    limit: Annotated[int, Field(ge=1, le=100, description="Movies per page")] = 20
    cursor: CursorText = ""

    @property
    def window_days(self) -> float:
        """How far back likes count."""
        return days_of(self.window)

    @property
    def half_life_days(self) -> float:
        """The age at which a like counts half."""
        return days_of(self.half_life) if self.half_life else self.window_days / 2

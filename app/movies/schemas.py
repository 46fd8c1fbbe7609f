"""Request and response models for movies."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.http.api import OMITTABLE, WHOLE, RequestModel
from app.http.cursors import Cursor, CursorText
from data.rules import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_GENRE_LENGTH,
    MAX_GENRES,
    MAX_MOVIE_ID,
    MAX_TITLE_LENGTH,
    TEXT_PATTERN,
)

MAX_NUMBER = 2**31 - 1
MAX_NAMED = 100  # as many as a page has


class MovieSummary(BaseModel):
    """Fields of a movie in every list, named as those of `CatalogueMovie`."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]


class Movie(MovieSummary):
    """A movie."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "movie_id": 2959,
                    "title": "Fight Club",
                    "year": 1999,
                    "genres": ["Action", "Crime", "Drama", "Thriller"],
                    "imdb_id": 137523,
                    "tmdb_id": 550,
                }
            ]
        }
    )

    title: str = Field(description="Without the year")
    imdb_id: int | None = Field(description="Number in the address of its IMDb page")
    tmdb_id: int | None = Field(description="Number in the address of its TMDB page")


Title = Annotated[str, StringConstraints(max_length=MAX_TITLE_LENGTH, pattern=TEXT_PATTERN)]
Genre = Annotated[str, StringConstraints(max_length=MAX_GENRE_LENGTH, pattern=TEXT_PATTERN)]
Genres = Annotated[list[Genre], Field(max_length=MAX_GENRES)]
Year = Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR), WHOLE]
Number = Annotated[int, Field(strict=True, ge=1, le=MAX_NUMBER), WHOLE]


class MovieRequest(RequestModel):
    """A movie as an administrator describes it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"title": "Fight Club", "year": 1999, "genres": ["Action", "Crime"]}]
        },
    )

    title: Annotated[Title, Field(description="Without the year")]
    year: Year | None = None
    genres: Genres = []
    imdb_id: Number | None = None
    tmdb_id: Number | None = None


class MovieChanges(RequestModel):
    """Changes of a movie; fields that are left out stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"year": 1999}, {"genres": ["Drama"], "imdb_id": None}]},
    )

    title: Annotated[Title | None, OMITTABLE] = None
    year: Year | None = None
    genres: Annotated[Genres | None, OMITTABLE] = None
    imdb_id: Number | None = None
    tmdb_id: Number | None = None

    @model_validator(mode="after")
    def _title_and_genres_are_not_null(self) -> Self:
        for name in ("title", "genres"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} can be changed, not removed")
        return self


class ListedMovie(MovieSummary):
    """A movie in a list."""

    likes: int = Field(description="How many users like it; counted at most once a minute")
    ratings: int = Field(description="How many users have rated it")


class MoviesPage(BaseModel):
    """A page of movies."""

    items: list[ListedMovie]
    next: str | None = Field(description="Cursor of the next page; null at the end")


class FoundMovies(BaseModel):
    """Movies whose titles match, the best match first."""

    items: list[ListedMovie]


class MoviesQuery(RequestModel):
    """Which movies, and in which order."""

    sort: Annotated[
        Literal["popular", "newest", "title"],
        Field(description="Most likes first, latest year first, or by title without articles"),
    ] = "popular"
    genre: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=50)]],
        Field(max_length=MAX_GENRES, description="Only movies of any of these; may be repeated"),
    ] = []
    id: Annotated[
        list[Annotated[int, Field(ge=1, le=MAX_MOVIE_ID)]],
        Field(max_length=MAX_NAMED, description="Only these movies; may be repeated"),
    ] = []
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
    limit: Annotated[int, Field(ge=1, le=50, description="Movies at most")] = 10


class MoviesCursor(Cursor):
    """A position in a list of movies, and what determines the list."""

    request: Annotated[str, Field(max_length=40, alias="q")]
    state: Annotated[str, Field(max_length=40, alias="s")]
    position: Annotated[int, Field(ge=1, le=MAX_NUMBER, alias="p")]

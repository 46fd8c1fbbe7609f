"""Request and response models for movies."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from app.http.api import OMITTABLE, WHOLE, Moment, RequestModel
from app.http.cursors import Cursor
from app.http.identifiers import SentMovieKey
from app.live.filters import IgnoredGenres, is_none
from data.movie_keys import MovieKey
from data.rules import (
    ATTRIBUTE_NAME_PATTERN,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_ATTRIBUTE_NAME_LENGTH,
    MAX_ATTRIBUTES,
    MAX_GENRE_LENGTH,
    MAX_GENRES,
    MAX_TAG_LENGTH,
    MAX_TAGS,
    MAX_TEXT_LENGTH,
    MAX_TIME,
    MAX_TITLE_LENGTH,
    TEXT_PATTERN,
    attributes_flaw,
)

MAX_NUMBER = 2**31 - 1


class MovieSummary(BaseModel):
    """Fields of a movie in every list, named as those of `CatalogueMovie`."""

    movie_id: MovieKey
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
                    "attributes": {"studio": "Fox 2000", "minutes": 139, "tags": ["soap", "twist"]},
                }
            ]
        }
    )

    title: str = Field(description="Without the year")
    imdb_id: int | None = Field(description="Number in the address of its IMDb page")
    tmdb_id: int | None = Field(description="Number in the address of its TMDB page")
    attributes: dict[str, str | int | float | list[str]] = Field(
        description="Further attributes by name: a text, a number, or a list of texts"
    )
    withdrawn: bool = Field(
        default=False,
        exclude_if=lambda withdrawn: not withdrawn,
        description="True where no list has the movie until it returns; left out otherwise",
    )
    available_from: datetime | None = Field(
        default=None,
        exclude_if=is_none,
        description="Lists have it from this moment on; left out where there is none",
    )
    available_until: datetime | None = Field(
        default=None,
        exclude_if=is_none,
        description="Lists have it until before this moment; left out where there is none",
    )


Title = Annotated[str, StringConstraints(max_length=MAX_TITLE_LENGTH, pattern=TEXT_PATTERN)]
Genre = Annotated[str, StringConstraints(max_length=MAX_GENRE_LENGTH, pattern=TEXT_PATTERN)]
Genres = Annotated[list[Genre], Field(max_length=MAX_GENRES)]
Year = Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR), WHOLE]
Number = Annotated[int, Field(strict=True, ge=1, le=MAX_NUMBER), WHOLE]


def _attributes(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("attributes are an object")  # noqa: TRY004 - pydantic takes no TypeError
    wrong = attributes_flaw(value)
    if wrong:
        raise ValueError(wrong)
    return value


Attributes = Annotated[
    dict[str, Any],
    PlainValidator(_attributes),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": MAX_ATTRIBUTES,
            "propertyNames": {
                "maxLength": MAX_ATTRIBUTE_NAME_LENGTH,
                "pattern": ATTRIBUTE_NAME_PATTERN,
            },
            "additionalProperties": {
                "anyOf": [
                    {"type": "string", "maxLength": MAX_TEXT_LENGTH, "pattern": TEXT_PATTERN},
                    {"type": "number", "minimum": -(2**53), "maximum": 2**53},
                    {
                        "type": "array",
                        "maxItems": MAX_TAGS,
                        "items": {
                            "type": "string",
                            "maxLength": MAX_TAG_LENGTH,
                            "pattern": TEXT_PATTERN,
                        },
                    },
                ]
            },
        }
    ),
    Field(description="By name, of at most 50 characters: a text, a number, or a list of texts"),
]


def _storable(moment: datetime) -> datetime:
    if not 0 <= moment.timestamp() <= MAX_TIME:
        raise ValueError("it is not between the years 1970 and 9999")
    return moment


BoundedMoment = Annotated[Moment, AfterValidator(_storable)]
Withdrawn = Annotated[
    bool, Field(strict=True, description="In no list, whatever its window, until it returns")
]
AvailableFrom = Annotated[
    BoundedMoment | None, Field(description="Lists have it from this moment on; null: always")
]
AvailableUntil = Annotated[
    BoundedMoment | None,
    Field(description="Lists have it until before this moment; null: for ever"),
]


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
    attributes: Attributes = {}
    withdrawn: Withdrawn = False
    available_from: AvailableFrom = None
    available_until: AvailableUntil = None


class NewMovie(MovieRequest):
    """A movie to be added, under a key of your own or a new number."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"title": "Fight Club", "year": 1999, "genres": ["Action", "Crime"]},
                {"key": "sku-18", "title": "Fight Club", "attributes": {"price": 9.99}},
            ]
        },
    )

    key: Annotated[SentMovieKey | None, OMITTABLE] = None

    @property
    def details(self) -> dict[str, Any]:
        """What is stored beside the key."""
        return self.model_dump(exclude={"key"})


class MovieChanges(RequestModel):
    """Changes of a movie; fields that are left out stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"year": 1999},
                {"genres": ["Drama"], "imdb_id": None},
                {"withdrawn": True},
                {"available_until": "2027-01-01T00:00:00Z"},
            ]
        },
    )

    title: Annotated[Title | None, OMITTABLE] = None
    year: Year | None = None
    genres: Annotated[Genres | None, OMITTABLE] = None
    imdb_id: Number | None = None
    tmdb_id: Number | None = None
    attributes: Annotated[Attributes | None, OMITTABLE] = None
    withdrawn: Annotated[Withdrawn | None, OMITTABLE] = None
    available_from: AvailableFrom = None
    available_until: AvailableUntil = None

    @model_validator(mode="after")
    def _some_are_not_null(self) -> Self:
        for name in ("title", "genres", "attributes", "withdrawn"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} can be changed, not removed")
        return self


class ListedMovie(MovieSummary):
    """A movie in a list."""

    likes: int = Field(description="How many users like it; counted at most once a minute")
    ratings: int = Field(description="How many users have rated it")
    available: bool = Field(
        default=True,
        exclude_if=bool,
        description="False where `unavailable` lists a movie that is withdrawn or outside its "
        "window; left out otherwise",
    )


class MoviesPage(BaseModel):
    """A page of movies."""

    items: list[ListedMovie]
    next: str | None = Field(description="Cursor of the next page; null at the end")
    ignored_genres: IgnoredGenres = []


class GenreCount(BaseModel):
    """A genre, and how many movies have it."""

    genre: str
    movies: int


class GenreList(BaseModel):
    """The genres of all movies, by name."""

    items: list[GenreCount]


class FoundMovies(BaseModel):
    """Movies whose titles match, the best match first."""

    items: list[ListedMovie]


class TrendingMovie(ListedMovie):
    """A movie that is liked lately."""

    score: float = Field(description="Its likes in the window, each halved with every half-life")


class TrendingMovies(BaseModel):
    """A page of the movies that are liked lately, the most liked first."""

    items: list[TrendingMovie]
    next: str | None = Field(description="Cursor of the next page; null at the end")
    ignored_genres: IgnoredGenres = []


class MoviesCursor(Cursor):
    """A position in a list of movies, and what determines the list."""

    request: Annotated[str, Field(max_length=40, alias="q")]
    state: Annotated[str, Field(max_length=40, alias="s")]
    position: Annotated[int, Field(ge=1, le=MAX_NUMBER, alias="p")]

"""Response models and the cursor of recommendations."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from app.http.cursors import Cursor
from app.live.filters import IgnoredGenres
from app.live.snapshot import Source
from app.movies.schemas import MovieSummary
from app.recommendations.options import MAX_SEED
from data.movie_keys import MovieKey

ModelVersion = Annotated[
    str | None, Field(description="Version that is served; null before the first")
]
Score = Annotated[
    float,
    Field(
        description="Probability that this user will watch and like it; for `popular`, the "
        "share of all users who like it"
    ),
]
LikeProbability = Annotated[
    float,
    Field(
        description="Probability that this user likes it once seen; for `popular`, the damped "
        "share of likes among its ratings"
    ),
]

MAX_POSITION = 2**31 - 1
MAX_REVISION = 2**63 - 1


class Reason(StrEnum):
    """Fallback reason: why a response is not personal."""

    NO_MODEL = "no_model"
    UNKNOWN_USER = "unknown_user"
    NO_RATINGS = "no_ratings"
    NO_KNOWN_RATINGS = "no_known_ratings"
    UNKNOWN_MOVIE = "unknown_movie"


class Because(BaseModel):
    """A rating that raises the score of a movie."""

    movie_id: MovieKey
    title: str
    liked: bool
    effect: float = Field(
        description="Logit of the score with all ratings, minus that without this one; "
        "effects of several ratings do not add up"
    )


Reasons = Annotated[
    list[Because],
    Field(description="The ratings without which the score would be lower, the strongest first"),
]


class RecommendedMovie(MovieSummary):
    """A movie, and how much this user would like it."""

    score: Score
    like_probability: LikeProbability
    source: Source = Field(description="`popular` for a movie that the model does not know")
    because: Reasons


EXAMPLE: JsonDict = {
    "user": "42",
    "model": "20261120T101500Z-3f2a",
    "source": "rbm",
    "reason": None,
    "seed": None,
    "items": [
        {
            "movie_id": 2959,
            "title": "Fight Club",
            "year": 1999,
            "genres": ["Action", "Crime", "Drama", "Thriller"],
            "score": 0.412,
            "like_probability": 0.86,
            "source": "rbm",
            "because": [{"movie_id": 296, "title": "Pulp Fiction", "liked": True, "effect": 0.31}],
        }
    ],
    "next": "eyJtIjoiMjAyNjExMjAuLi4ifQ",
}


class Recommendations(BaseModel):
    """Movies that a user has not rated, the best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    user: str | None = Field(description="Null where the ratings came with the request")
    model: ModelVersion
    source: Source
    reason: Reason | None = Field(description="Why the list is not personal; null when it is")
    seed: int | None = Field(description="Seed of a sampled list; null of any other")
    items: list[RecommendedMovie]
    next: str | None = Field(description="Cursor of the next page; null at the end")
    ignored_genres: IgnoredGenres = []


class AnonymousRecommendations(Recommendations):
    """Movies for the ratings in the request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**EXAMPLE, "user": None, "ignored": []}]}
    )

    ignored: list[MovieKey] = Field(description="Movies in the request that do not exist")


class RecommendationsBatch(BaseModel):
    """A list for each user, in the order of the request."""

    items: list[Recommendations]


class Prediction(BaseModel):
    """How much a user would like a movie, by their ratings about other movies."""

    user: str
    model: ModelVersion
    source: Source
    reason: Reason | None = Field(description="Why it is not personal; null when it is")
    movie_id: MovieKey
    title: str
    year: int | None
    genres: list[str]
    score: Score
    like_probability: LikeProbability
    because: Reasons
    liked: bool | None = Field(
        description="The rating of this movie by this user, which the prediction does not use; "
        "null without one"
    )


class Likeness(StrEnum):
    """What movies are compared by."""

    RBM = "rbm"
    GENRES = "genres"


class SimilarMovie(MovieSummary):
    """A movie, and how similar it is to another."""

    similarity: float = Field(
        description="At most 1; for `genres`, the share of the genres of either that both have"
    )


class SimilarMovies(BaseModel):
    """Movies that the same users like, the most similar first."""

    movie_id: MovieKey
    model: ModelVersion
    source: Likeness
    reason: Reason | None = Field(description="Why only genres are compared; null otherwise")
    items: list[SimilarMovie]
    ignored_genres: IgnoredGenres = []


class RecommendationsCursor(Cursor):
    """A position in a list, and all that determines the list."""

    # Short aliases: a client sends the cursor back in a URL.
    request: Annotated[str, Field(max_length=40, alias="q")]
    model: Annotated[str | None, Field(max_length=40, alias="m")]
    revision: Annotated[int, Field(ge=0, le=MAX_REVISION, alias="r")]
    state: Annotated[str, Field(max_length=60, alias="s")]
    position: Annotated[int, Field(ge=1, le=MAX_POSITION, alias="p")]
    seed: Annotated[int | None, Field(ge=0, le=MAX_SEED, alias="d")] = None

"""Response models and the cursor of recommendations."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from app.http.cursors import Cursor
from app.live.filters import IgnoredGenres, is_none
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
        description="Probability that this user will watch and like it, for `genres` by its genres "
        "and popularity; for `popular` and `new`, the share of all users who like it, for "
        "`trending` of those who like it lately, for `similar` the similarity to the movie that "
        "this user liked last"
    ),
]
LikeProbability = Annotated[
    float,
    Field(
        description="Probability that this user likes it once seen; from any source but "
        "`rbm`, the damped share of likes among its ratings"
    ),
]

MAX_POSITION = 2**31 - 1
MAX_MOMENT = 2**43  # milliseconds since 1970
MAX_STATE = 60
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
    Field(
        description="The ratings without which the score would be lower, the strongest first; in a "
        "sampled list the score of the ranked one"
    ),
]


class RecommendedMovie(MovieSummary):
    """A movie, and how much this user would like it."""

    score: Score
    like_probability: LikeProbability
    boost: Annotated[
        float,
        Field(
            exclude_if=lambda boost: not boost,
            description="What the rules have added to the log-odds of `score`; left out where 0",
        ),
    ] = 0.0
    source: Source = Field(
        description="`rbm` by the model, `genres` for a movie that the model does not know, `new` "
        "where a share of places is for new movies"
    )
    pinned: Annotated[
        bool,
        Field(
            exclude_if=lambda pinned: not pinned,
            description="It has this place by a rule of the scenario; left out of the others",
        ),
    ] = False
    because: Reasons


EXAMPLE: JsonDict = {
    "user": "42",
    "recommendation_id": "q3vN1f0aYd5mQbUjMjAyNjExMjBUMTAxNTAwWi0zZjJhCgoK",
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


class ListHead(BaseModel):
    """For whom a list is, and where it comes from."""

    user: str | None = Field(description="Null where the ratings came with the request")
    recommendation_id: str = Field(description="What `POST /feedback` about the list refers to")
    model: ModelVersion
    scenario: Annotated[
        str | None,
        Field(exclude_if=is_none, description="That was asked for; left out without one"),
    ] = None
    experiment: Annotated[
        str | None,
        Field(
            exclude_if=is_none,
            description="That the user takes part in; left out where in none",
        ),
    ] = None
    arm: Annotated[
        str | None,
        Field(exclude_if=is_none, description="Of the experiment, that answers"),
    ] = None
    source: Source = Field(
        description="`rbm` for a personal list, of any other the source of its first movies"
    )
    reason: Reason | None = Field(
        description="Why the list is not personal; null when it is, or need not be"
    )


class GenreChange(BaseModel):
    """A genre that a draw has made more or less likely."""

    genre: str
    times: float = Field(
        description="Its share of the likes that are expected of the first 100 movies, in times "
        "that of the ranked list"
    )


class Draw(BaseModel):
    """What a Gibbs sample has changed."""

    more: list[GenreChange] = Field(description="Up to three genres, the largest change first")
    less: list[GenreChange]


class Recommendations(ListHead):
    """Movies that a user has not rated, the best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    seed: int | None = Field(description="Seed of a sampled list; null of any other")
    draw: Annotated[
        Draw | None,
        Field(
            exclude_if=is_none,
            description="Of a personal sampled list, how it differs from the ranked one; left out "
            "of any other",
        ),
    ] = None
    items: list[RecommendedMovie]
    next: str | None = Field(description="Cursor of the next page; null at the end")
    ignored_genres: IgnoredGenres = []


class AnonymousRecommendations(Recommendations):
    """Movies for the ratings in the request."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**EXAMPLE, "user": None, "ignored": []}]}
    )

    ignored: list[MovieKey] = Field(description="Movies in the request that do not exist")


class Why(StrEnum):
    """Why a movie that was to be ranked is not in the list."""

    UNKNOWN = "unknown"
    UNAVAILABLE = "unavailable"
    RATED = "rated"
    SEEN = "seen"
    SHOWN = "shown"
    EXCLUDED = "excluded"
    NO_PLACE = "no_place"


class LeftOut(BaseModel):
    """A movie that was to be ranked and is not in the list."""

    movie_id: MovieKey
    why: Why = Field(
        description="`unknown`: there is no such movie. `unavailable`: it is withdrawn, or not "
        "available now. `rated`, `seen`: by the user, or hidden. `shown`: lately, in this "
        "scenario. `excluded`: by the filters of the scenario. `no_place`: the list of the "
        "scenario is full, has enough of its genre, or no source has it."
    )


class RankedMovies(ListHead):
    """The movies of a request, the best first."""

    items: list[RecommendedMovie]
    left_out: list[LeftOut] = Field(description="In the order of the request")


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
    state: Annotated[str, Field(max_length=MAX_STATE, alias="s")]
    position: Annotated[int, Field(ge=1, le=MAX_POSITION, alias="p")]
    seed: Annotated[int | None, Field(ge=0, le=MAX_SEED, alias="d")] = None
    # The moment of a list that changes with the time, in milliseconds since 1970.
    at: Annotated[int | None, Field(ge=0, le=MAX_MOMENT, alias="t", exclude_if=is_none)] = None

"""Request models of recommendations: filters, order, length, reasons."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from app.http.api import OMITTABLE, WHOLE, RequestModel
from app.http.cursors import CursorText
from app.http.identifiers import SentMovieKey, SentUserKey
from app.live.filters import Filters
from app.live.rules import RuleName
from app.ratings.schemas import MovieRatingRequest

# More than any user of MovieLens 1M has rated; scoring takes longer with each.
MAX_RATINGS = 5000
MAX_USERS = 100
MAX_CANDIDATES = 5000
MAX_SEED = 2**31 - 1

Seed = Annotated[int, Field(ge=0, le=MAX_SEED), WHOLE]
RequestRatings = Annotated[
    list[MovieRatingRequest],
    Field(max_length=MAX_RATINGS, description="Of two ratings of one movie the later one counts"),
]
Explain = Annotated[int, Field(ge=0, le=5, description="Reasons per movie; 0 is faster"), WHOLE]


ScenarioChoice = Annotated[
    RuleName | None,
    OMITTABLE,
    Field(description="Whose rules the list follows, beside the filters of the request"),
]


class Options(Filters):
    """All options of a list, apart from its user."""

    limit: Annotated[int, Field(ge=1, le=100, description="Movies per page"), WHOLE] = 20
    mode: Annotated[
        Literal["rank", "sample"],
        Field(description="`sample` ranks by one Gibbs sample of what the user may like now"),
    ] = "rank"
    seed: Annotated[
        Seed | None,
        OMITTABLE,
        Field(description="For `sample`: the same seed gives the same list; random by default"),
    ] = None
    diversity: Annotated[
        float,
        Field(
            ge=0, le=1, allow_inf_nan=False, description="0: best first; 1: as diverse as possible"
        ),
    ] = 0.0
    explain: Explain = 3
    scenario: ScenarioChoice = None


class RecommendationsQuery(Options):
    """Options of a list, and the page of it."""

    cursor: CursorText = ""


class PredictionQuery(RequestModel):
    """How many reasons."""

    explain: Explain = 3


class SimilarQuery(Filters):
    """How many movies, and which."""

    limit: Annotated[int, Field(ge=1, le=100, description="Movies at most")] = 20


class AnonymousRequest(Options):
    """Ratings of an anonymous user, and the options of the list."""

    location: ClassVar[str] = "body"

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "ratings": [{"movie_id": 2959, "liked": True}, {"movie_id": 1, "stars": 2.5}],
                    "genre": ["Drama"],
                    "limit": 5,
                }
            ]
        },
    )

    ratings: RequestRatings
    cursor: CursorText = ""


class RankRequest(RequestModel):
    """Movies to be ranked, for a user or for ratings."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={"examples": [{"movies": [2959, 1, "sku-18"], "user": "42"}]},
    )

    movies: Annotated[
        list[SentMovieKey],
        Field(
            min_length=1,
            max_length=MAX_CANDIDATES,
            description="One that is named twice counts once",
        ),
    ]
    user: Annotated[
        SentUserKey | None, OMITTABLE, Field(description="Either this, or `ratings`")
    ] = None
    ratings: Annotated[RequestRatings | None, OMITTABLE] = None
    scenario: ScenarioChoice = None
    limit: Annotated[int, Field(ge=1, le=MAX_CANDIDATES, description="Movies at most"), WHOLE] = (
        MAX_CANDIDATES
    )
    explain: Annotated[
        int, Field(ge=0, le=5, description="Reasons for each of the first 100 movies"), WHOLE
    ] = 3

    @model_validator(mode="after")
    def _for_one(self) -> Self:
        if (self.user is None) == (self.ratings is None):
            raise ValueError("give exactly one of user and ratings")
        return self


class BatchRequest(Options):
    """Users, and the options of their lists."""

    location: ClassVar[str] = "body"

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={"examples": [{"users": ["1", "42"], "limit": 5, "explain": 0}]},
    )

    users: Annotated[list[SentUserKey], Field(min_length=1, max_length=MAX_USERS)]

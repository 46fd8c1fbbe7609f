"""How hidden features are shown."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.http.api import WHOLE, RequestModel
from app.live.filters import Id
from app.ratings.schemas import MovieRatingRequest
from app.recommendations.options import MAX_RATINGS
from app.recommendations.schemas import Because, Reason

MAX_MOVIES = 20
MAX_TOWARDS = 100


class FeaturesQuery(RequestModel):
    """How many features, with how many movies."""

    limit: Annotated[
        int, Field(ge=1, le=100, description="Features, the most telling first"), WHOLE
    ] = 20
    films: Annotated[int, Field(ge=1, le=MAX_MOVIES, description="Movies each way"), WHOLE] = 8


class FeatureMovie(BaseModel):
    """A movie that tells of a feature."""

    movie_id: int
    title: str
    year: int | None
    weight: float = Field(description="What liking it adds to the log-odds of the feature")


class FeatureGenre(BaseModel):
    """A genre that tells of a feature."""

    genre: str
    lift: float = Field(
        description="How many times as often it is found among the movies that switch the feature "
        "on as among all movies"
    )


class Feature(BaseModel):
    """A hidden unit, by the movies and genres that define it."""

    unit: int = Field(description="Number of the unit in the model")
    importance: float = Field(description="Variance of what people's ratings send to the unit")
    genres: list[FeatureGenre] = Field(description="Up to three, the most telling first")
    on: list[FeatureMovie] = Field(description="Movies whose likes switch it on")
    off: list[FeatureMovie] = Field(description="Movies whose likes switch it off")


class ModelFeatures(BaseModel):
    """What the model has learned to tell people apart by."""

    model: str | None = Field(description="Version that is served; null before the first")
    items: list[Feature] = Field(description="Empty without a model")


class UserFeature(Feature):
    """A feature, and what a user's ratings make of it."""

    activation: float = Field(description="Probability that it is on, given the ratings")
    baseline: float = Field(description="The same of somebody who has rated nothing")
    because: list[Because] = Field(
        description="Ratings that switch it on; effect: log-odds that each adds, these do add up"
    )


class FeatureSource(StrEnum):
    """Where features come from."""

    RBM = "rbm"
    NONE = "none"


class UserFeatures(BaseModel):
    """The features that a user's ratings switch on, the most first."""

    user: str
    model: str | None = Field(description="Version that is served; null before the first")
    source: FeatureSource
    reason: Reason | None = Field(description="Why there is nothing to say; null when there is")
    items: list[UserFeature]


class AnonymousFeaturesRequest(FeaturesQuery):
    """Ratings of somebody who need not be known, and what is asked for them."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "ratings": [{"movie_id": 2959, "liked": True}, {"movie_id": 1, "stars": 2.5}],
                    "towards": [296, 318],
                    "limit": 5,
                }
            ]
        },
    )

    ratings: Annotated[
        list[MovieRatingRequest],
        Field(max_length=MAX_RATINGS, description="Of two about one movie the later one counts"),
    ]
    towards: Annotated[
        list[Id],
        Field(max_length=MAX_TOWARDS, description="Movies for which `sent` is wanted"),
    ] = []


class ReceivedWeight(BaseModel):
    """What a rating adds to a feature."""

    movie_id: int
    liked: bool
    weight: float = Field(description="Log-odds of the feature being on")


class SentWeight(BaseModel):
    """What a feature adds to a movie."""

    movie_id: int
    weight: float = Field(
        description="Energy that the feature, as far as the ratings have changed it, takes off a "
        "like of the movie"
    )


class AnonymousFeature(UserFeature):
    """A feature with its links: up from the ratings, and down to other movies."""

    received: list[ReceivedWeight] = Field(description="From up to 20 ratings, strongest first")
    sent: list[SentWeight] = Field(description="To those of `towards` that the model knows")


class AnonymousFeatures(BaseModel):
    """The features that the ratings in the request switch on, the most first."""

    model: str | None = Field(description="Version that is served; null before the first")
    source: FeatureSource
    reason: Reason | None = Field(description="Why there is nothing to say; null when there is")
    items: list[AnonymousFeature]

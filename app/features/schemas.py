"""Request and response models for hidden features."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.http.api import WHOLE, RequestModel
from app.http.identifiers import SentMovieKey
from app.recommendations.options import RequestRatings
from app.recommendations.schemas import Because, ModelVersion, Reason
from data.movie_keys import MovieKey

MAX_MOVIES = 20
MAX_TOWARDS = 100


class FeaturesQuery(RequestModel):
    """How many features, with how many movies."""

    limit: Annotated[
        int, Field(ge=1, le=100, description="Features, the most important first"), WHOLE
    ] = 20
    films: Annotated[int, Field(ge=1, le=MAX_MOVIES, description="Movies per direction"), WHOLE] = 8


class FeatureMovie(BaseModel):
    """A movie that defines a feature."""

    movie_id: MovieKey
    title: str
    year: int | None
    weight: float = Field(description="What liking it adds to the log-odds of the feature")


class FeatureGenre(BaseModel):
    """A genre that describes a feature."""

    genre: str
    lift: float = Field(
        description="How many times as common it is among the movies that switch the feature on as "
        "among all ratings, damped"
    )


class Feature(BaseModel):
    """A hidden unit, by the movies and genres that define it."""

    unit: int = Field(description="Number of the unit in the model")
    name: str = Field(
        description="The titles of the two movies whose likes tell most about it, shortened; it is "
        "no category"
    )
    importance: float = Field(description="Variance of the input of the unit between users")
    genres: list[FeatureGenre] = Field(description="Up to three, by falling lift")
    on: list[FeatureMovie] = Field(description="Movies whose likes switch it on")
    off: list[FeatureMovie] = Field(description="Movies whose likes switch it off")


class ModelFeatures(BaseModel):
    """Hidden features of the model, the most important first."""

    model: ModelVersion
    items: list[Feature] = Field(description="Empty without a model")


class UserFeature(Feature):
    """A feature, and its activation by the ratings of a user."""

    activation: float = Field(description="Probability that it is on, given the ratings")
    baseline: float = Field(description="The same without ratings")
    because: list[Because] = Field(
        description="Ratings that switch it on; effect: log-odds that each adds, which do add up"
    )


class FeatureSource(StrEnum):
    """Where features come from."""

    RBM = "rbm"
    NONE = "none"


class UserFeatures(BaseModel):
    """The features that the ratings of a user switch on, by falling gain."""

    user: str
    model: ModelVersion
    source: FeatureSource
    reason: Reason | None = Field(description="Why there are no features; null when there are")
    items: list[UserFeature]


class AnonymousFeaturesRequest(FeaturesQuery):
    """Ratings of an anonymous user, and options."""

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

    ratings: RequestRatings
    towards: Annotated[
        list[SentMovieKey],
        Field(max_length=MAX_TOWARDS, description="Movies for which `sent` is wanted"),
    ] = []


class ReceivedWeight(BaseModel):
    """What a rating adds to a feature."""

    movie_id: MovieKey
    liked: bool
    weight: float = Field(description="Log-odds of the feature being on")


class SentWeight(BaseModel):
    """What a feature adds to a movie."""

    movie_id: MovieKey
    weight: float = Field(
        description="Energy that the change of the feature by the ratings takes off a like of the "
        "movie"
    )


class AnonymousFeature(UserFeature):
    """A feature with its links: up from the ratings, and down to other movies."""

    received: list[ReceivedWeight] = Field(description="From up to 20 ratings, strongest first")
    sent: list[SentWeight] = Field(description="To those of `towards` that the model knows")


class AnonymousFeatures(BaseModel):
    """The features that the ratings in the request switch on, by falling gain."""

    model: ModelVersion
    source: FeatureSource
    reason: Reason | None = Field(description="Why there are no features; null when there are")
    items: list[AnonymousFeature]

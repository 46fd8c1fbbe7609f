"""The services of a running application, and how an endpoint gets at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from app.access.keys import KeyRing
from app.cache.answers import Answers
from app.cache.changes import UserChanges
from app.config import Settings
from app.database import Database
from app.features.service import FeatureService
from app.movies.service import MovieService
from app.ratings.service import RatingService
from app.recommendations.insights import InsightService
from app.recommendations.model_server import ModelServer
from app.recommendations.service import RecommendationService
from app.users.service import UserService


@dataclass(frozen=True, slots=True)
class Services:
    """One of each."""

    settings: Settings
    database: Database
    keys: KeyRing
    models: ModelServer
    movies: MovieService
    ratings: RatingService
    recommendations: RecommendationService
    users: UserService
    insights: InsightService
    features: FeatureService
    answers: Answers


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Connect to the database, load the model, and follow both until the end."""
    database = Database(settings.database_url)
    models = ModelServer(database, settings.models_dir, settings.like_threshold)
    keys = KeyRing(database, may_be_open=settings.is_private or settings.insecure)
    changes = UserChanges(database)
    try:
        keys.start()
        models.start()
        changes.start()
        yield Services(
            settings=settings,
            database=database,
            keys=keys,
            models=models,
            movies=MovieService(database, models),
            ratings=RatingService(database, settings.like_threshold),
            recommendations=RecommendationService(database, models, settings.like_threshold),
            users=UserService(database, settings.like_threshold),
            insights=InsightService(database, models, settings.like_threshold),
            features=FeatureService(database, models, settings.like_threshold),
            answers=Answers(models, changes),
        )
    finally:
        changes.stop()
        models.stop()
        keys.stop()
        database.dispose()


# `async`, or FastAPI would hop to a worker thread for these lines alone.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDependency = Annotated[Services, Depends(_services)]


def json_response(body: BaseModel, status: int = 200) -> Response:
    """Encode an answer where it was made, in the worker thread, and not once more by FastAPI."""
    return Response(body.model_dump_json(), status, media_type="application/json")

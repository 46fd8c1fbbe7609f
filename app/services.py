"""The services of a running application: made, started and stopped together."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.auth.keys import KeyRing
from app.config import Settings
from app.db.engine import Database
from app.db.revisions import UserRevisions
from app.features.service import FeatureService
from app.http.api import Services
from app.http.cached_responses import ResponseCache
from app.live.model_reloader import ModelReloader
from app.movies.service import MovieService
from app.ratings.service import RatingService
from app.ratings.user_service import UserService
from app.recommendations.predictions import PredictionService
from app.recommendations.service import RecommendationService


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Connect to the database, load the model, and follow both until the end."""
    services = Services()
    services.add(settings)
    threshold = settings.like_threshold
    database = services.add(Database(settings.database_url))
    keys = services.add(KeyRing(database, may_be_open=settings.is_private or settings.insecure))
    models = services.add(ModelReloader(database, settings.models_dir, threshold))
    current = services.add(models.current)
    revisions = services.add(UserRevisions(database))
    services.add(ResponseCache(current.generation, revisions))
    services.add(MovieService(database, current, models))
    services.add(RatingService(database, threshold))
    services.add(RecommendationService(database, current, threshold))
    services.add(UserService(database, threshold))
    services.add(PredictionService(database, current, threshold))
    services.add(FeatureService(database, current, threshold))
    try:
        keys.start()
        models.start()
        revisions.start()
        yield services
    finally:
        revisions.stop()
        models.stop()
        keys.stop()
        database.dispose()

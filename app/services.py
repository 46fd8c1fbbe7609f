"""The services of a running application: made, started and stopped together."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.auth.keys import KeyRing
from app.backup.monitor import BackupMonitor
from app.config import Settings
from app.core.disk import DiskMonitor
from app.db.engine import Database
from app.db.limits import REQUESTS
from app.db.revisions import UserRevisions
from app.events.rule import Rule
from app.events.service import EventService
from app.experiments.service import ExperimentService
from app.features.service import FeatureService
from app.feedback.service import FeedbackService
from app.http.api import Services
from app.http.idempotency import Idempotency
from app.http.middleware.response_cache import ResponseCache
from app.jobs.monitor import TrainingMonitor
from app.live.model_reloader import ModelReloader
from app.live.recency import Recency
from app.movies.lists import MovieLists
from app.movies.service import MovieService
from app.ratings.service import RatingService
from app.recommendations.predictions import PredictionService
from app.recommendations.service import RecommendationService
from app.scenarios.service import ScenarioService
from app.store.folder import ModelStore
from app.store.remote import open_store
from app.users.service import UserService
from app.web.facts import PageFacts


@contextmanager
def open_services(settings: Settings) -> Iterator[Services]:
    """Connect to the database, load the model, and poll both until the end."""
    services = Services()
    services.add(settings)
    threshold, half_life = settings.like_threshold, settings.rating_half_life_days
    database = services.add(Database(settings.database_url, REQUESTS))
    keys = services.add(KeyRing(database, may_be_open=settings.is_private or settings.insecure))
    services[ModelStore] = store = open_store(settings)
    models = services.add(ModelReloader(database, store, threshold, Recency.of(settings)))
    current = services.add(models.current)
    revisions = services.add(UserRevisions(database))
    services.add(ResponseCache(current.generation, revisions))
    idempotency = services.add(Idempotency(database))
    lists = services.add(MovieLists(current))
    services.add(MovieService(database, models, lists))
    services.add(PageFacts(current))
    services.add(RatingService(database, threshold))
    services.add(UserService(database, threshold))
    services.add(EventService(database, Rule.of(settings.event_rule)))
    feedback = services.add(FeedbackService(database, current, settings.feedback_days))
    services.add(RecommendationService(database, current, threshold, half_life))
    services.add(PredictionService(database, current, threshold, half_life))
    services.add(ScenarioService(database, models))
    services.add(ExperimentService(database, settings, models))
    services.add(FeatureService(database, current, threshold, half_life))
    trainings = TrainingMonitor(database, settings.models_dir)
    backups = BackupMonitor(database)
    disks = DiskMonitor(settings)
    try:
        keys.start()
        models.start()
        lists.start()
        revisions.start()
        trainings.start()
        disks.start()
        backups.start()
        idempotency.start()
        feedback.start()
        yield services
    finally:
        feedback.stop()
        idempotency.stop()
        backups.stop()
        disks.stop()
        trainings.stop()
        revisions.stop()
        lists.stop()
        models.stop()
        keys.stop()
        database.dispose()

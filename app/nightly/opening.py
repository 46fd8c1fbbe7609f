"""Makes the service of nightly lists for a command, or for a worker of a cluster."""

from __future__ import annotations

from threading import TIMEOUT_MAX

from app.config import Settings
from app.db.engine import Database
from app.live.model_reloader import ModelReloader
from app.live.recency import Recency
from app.nightly.lists import NightlyLists
from app.nightly.service import NightlyService
from app.recommendations.service import RecommendationService
from app.store.remote import open_store


def nightly_service(
    database: Database,
    settings: Settings,
    top: int,
    scenario: str | None,
    changed_since: int = -1,
) -> NightlyService:
    """Read model, movies and rules once."""
    threshold = settings.like_threshold
    models = ModelReloader(
        database, open_store(settings), threshold, Recency.of(settings), TIMEOUT_MAX
    )
    models.poll()
    recommendations = RecommendationService(
        database, models.current, threshold, settings.rating_half_life_days
    )
    if models.state is None:
        raise RuntimeError("the reloader has not polled")
    lists = NightlyLists(recommendations, top, scenario)
    return NightlyService(lists, models.state, changed_since)

"""The first of the operators' pages: model, data, traffic, health."""

from typing import Any

from fastapi import APIRouter, Request, Response

from app.admin.charts import times_popularity, trend_chart
from app.admin.security import Operator, show
from app.admin.traffic import read_traffic
from app.backup.monitor import read_state
from app.core.errors import NotReadyError
from app.datasets.repository import imported_dataset
from app.http.api import Services, ServicesDependency
from app.jobs.service import list_runs
from app.live.counts import count_users
from app.live.health import readiness
from app.live.snapshot import CurrentSnapshot
from app.registry import service as models

router = APIRouter(prefix="/admin", include_in_schema=False)


@router.get("")
def get_overview(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """Show the state of the service."""
    listed = models.list_models(services.database)
    traffic, drift = read_traffic()
    runs = list_runs(services.database, 1)
    active = next((model for model in listed if model.active), None)
    return show(
        request,
        visitor,
        "overview.html",
        active=active,
        times=times_popularity(active) if active else None,
        trend=trend_chart(listed),
        problem=_problem(services),
        data=_data(services),
        traffic=traffic,
        drift=drift,
        run=runs[0] if runs else None,
        backups=read_state(services.database),
    )


def _problem(services: Services) -> str | None:
    """Return what keeps the service from working as it should, None if nothing."""
    try:
        ready = readiness(services)
    except NotReadyError as error:
        return error.detail
    if ready.active and ready.model != ready.active:
        served = f"model {ready.model}" if ready.model else "popular movies only"
        return f"Model {ready.active} is active but not loaded (yet): {served} is served."
    return None


def _data(services: Services) -> dict[str, Any]:
    """Count users, movies and ratings; those of movies and ratings come from the snapshot."""
    with services.database.read() as connection:
        n_users, dataset = count_users(connection), imported_dataset(connection)
    current = services.find(CurrentSnapshot)
    catalogue = current.snapshot.catalogue if current.generation() else None
    return {
        "n_users": n_users,
        "dataset": dataset,
        "n_films": len(catalogue.movies) if catalogue else None,
        "n_ratings": int(catalogue.ratings.sum()) if catalogue else None,
        "database": "SQLite" if services.database.is_sqlite else "PostgreSQL",
    }

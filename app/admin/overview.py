"""The first of the operators' pages: what is served, from what, to how many, how fast."""

from typing import Any

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from app.admin.security import Operator, show
from app.admin.traffic import read_traffic
from app.core.errors import NotReadyError
from app.datasets.repository import imported_dataset
from app.http.api import Services, ServicesDependency
from app.jobs.runs import list_runs
from app.live.counts import count_users
from app.live.health import readiness
from app.live.snapshot import CurrentSnapshot
from app.registry import service as models

router = APIRouter(prefix="/admin")


@router.get("")
def get_overview(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """Show how the service does."""
    listed = models.list_models(services.database)
    traffic, drift = read_traffic()
    latest = list_runs(services.database, 1)
    return show(
        request,
        visitor,
        "overview.html",
        active=next((model for model in listed if model.active), None),
        n_models=len(listed),
        problem=_problem(services),
        data=_data(services),
        traffic=traffic,
        drift=drift,
        run=latest[0] if latest else None,
    )


def _problem(services: Services) -> str | None:
    """Say why the service cannot do its work as it should, if so."""
    try:
        ready = readiness(services)
    except NotReadyError as error:
        return error.detail
    if ready.active and ready.model != ready.active:
        served = f"model {ready.model}" if ready.model else "popular movies only"
        return f"Model {ready.active} is active but not loaded (yet): {served} is served."
    return None


def _data(services: Services) -> dict[str, Any]:
    """Count what there is; the ratings are those that were counted for the popular movies."""
    with services.database.read() as connection:
        counts = _counts(connection)
    current = services.find(CurrentSnapshot)
    catalogue = current.snapshot.catalogue if current.generation() else None
    return {
        **counts,
        "n_films": len(catalogue.movies) if catalogue else None,
        "n_ratings": int(catalogue.ratings.sum()) if catalogue else None,
        "database": "SQLite" if services.database.is_sqlite else "PostgreSQL",
    }


def _counts(connection: Connection) -> dict[str, Any]:
    return {"n_users": count_users(connection), "dataset": imported_dataset(connection)}

"""Health: whether the process is up, and whether it is ready."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from app.core.errors import (
    OPEN,
    DatabaseUnavailableError,
    HostNotAllowedError,
    InternalError,
    NotReadyError,
    responses,
)
from app.db import schema as migrating
from app.db.revisions import UserRevisions
from app.http.api import Services, ServicesDependency, json_response
from app.live.model_reloader import ModelReloader
from app.live.snapshot import CurrentSnapshot, Source

Degraded = Literal["database", "no_model", "model_store"]

router = APIRouter(prefix="/health", tags=["health"])


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """The service can do its work."""

    status: Literal["ready"] = "ready"
    source: Source = Field(description="What it recommends from: the model, or popularity")
    model: str | None = Field(description="Version that this process serves")
    active: str | None = Field(description="Version that the database names; soon the same")
    degraded: Degraded | None = Field(
        description="What is away. `database`: requests that do not need it are answered from "
        "memory. `no_model`: all lists are popular. `model_store`: no other model can be served"
    )


@router.get(
    "/live",
    response_model=Live,
    responses=responses(InternalError, HostNotAllowedError),
    summary="Is the process up?",
)
async def get_live() -> Response:
    """Answer without touching anything."""
    return json_response(Live())


@router.get(
    "/ready", response_model=Ready, responses=responses(*OPEN), summary="Can it do its work?"
)
async def get_ready(request: Request, services: ServicesDependency) -> Response:
    """Answer 200 when the database has the right schema, and the movies are loaded.

    That is so as of the last poll. When the database goes away later, the service stays ready for
    what needs no database, and `degraded` says so. Without a model it is ready to recommend popular
    movies, and `degraded` says that.

    503 from the moment that the service is told to stop: a load balancer should choose another.
    """
    if request.app.state.draining.value:
        raise NotReadyError("The service is about to stop.")
    return json_response(readiness(services))


def readiness(services: Services) -> Ready:
    """Return what the service works with; raises `NotReadyError` if it cannot work."""
    models = services.find(ModelReloader)
    if not models.has_polled:
        raise DatabaseUnavailableError
    if not migrating.is_served(models.revision):
        raise NotReadyError(
            f"The database schema is at revision {models.revision}, this version needs "
            f"{migrating.head()}: run `recommender db upgrade`."
        )
    version = services.find(CurrentSnapshot).snapshot.version
    return Ready(
        source=Source.RBM if version else Source.POPULAR,
        model=version,
        active=models.state.active.version if models.state else None,
        degraded=_degraded(services, version),
    )


def _degraded(services: Services, version: str | None) -> Degraded | None:
    if services.find(UserRevisions).is_away():
        return "database"
    if version is None:
        return "no_model"
    return "model_store" if services.find(ModelReloader).loader.is_away else None

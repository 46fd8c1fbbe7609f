"""Whether the process is up, and whether it can do its work."""

from functools import cache
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app import migrating
from app.errors import OPEN, HostNotAllowedError, InternalError, NotReadyError, responses
from app.recommendations.schemas import Source
from app.services import Services, ServicesDependency, json_response

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
def get_ready(services: ServicesDependency) -> Response:
    """Answer 200 when the database can be read, has the right schema, and the films are loaded."""
    return json_response(_ready(services))


def _ready(services: Services) -> Ready:
    found, expected = migrating.current(services.database), _expected_revision()
    if found != expected:
        raise NotReadyError(
            f"The database schema is at revision {found}, this version needs {expected}: "
            "run `recommender db upgrade`."
        )
    version = services.models.snapshot.version
    state = services.models.state
    return Ready(
        source=Source.RBM if version else Source.POPULAR,
        model=version,
        active=state.active.version if state else None,
    )


@cache  # read from the migration files, which do not change under a running program
def _expected_revision() -> str | None:
    return migrating.head()

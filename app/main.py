"""The web service: `create_app` puts its parts together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.admin import endpoints as admin
from app.admin import error_pages
from app.admin.sign_in import TRIES_PER_MINUTE
from app.audit import endpoints as audit
from app.auth.dependencies import open_visits
from app.auth.rate_limiter import Limiter
from app.config import Settings
from app.core import tracing
from app.core.logging import write_pending
from app.events import endpoints as events
from app.experiments import endpoints as experiments
from app.features import endpoints as features
from app.feedback import endpoints as feedback
from app.http import docs as docs_page
from app.http import guide
from app.http import metrics as metrics_endpoint
from app.http.api import refuse_repeats
from app.http.handlers import handle_errors
from app.http.middleware.access import AccessMiddleware
from app.http.middleware.admission import AdmissionMiddleware
from app.http.middleware.guards import (
    LOOPBACK_NAMES,
    BodyLimitMiddleware,
    HostMiddleware,
    PathMiddleware,
)
from app.http.middleware.request_log import RequestLogMiddleware
from app.http.middleware.response_cache import ResponseCacheMiddleware
from app.http.middleware.responses import HeadMiddleware, ResponseHeadersMiddleware
from app.http.middleware.tracing import StepMiddleware, TracingMiddleware
from app.http.shutdown import Draining, new_draining
from app.jobs import endpoints as training
from app.live import health
from app.movies import endpoints as movies
from app.ratings import endpoints as ratings
from app.ratings import public as public_ratings
from app.recommendations import endpoints as recommendations
from app.registry import endpoints as models
from app.scenarios import endpoints as scenarios
from app.services import open_services
from app.users import endpoints as users
from app.web import page, posters, static
from app.web.rendering import not_found_page

DESCRIPTION = """
Recommends movies by a Restricted Boltzmann Machine of likes, dislikes and unseen movies.

Every error has the shape `{"error": "MovieNotFound", "detail": "..."}`; 422 means malformed input,
and then `fields` says where. A list is read to its end by passing `next` as `cursor`.
"""

# Nearly four times 5,000 ratings of at most 50 bytes, and 5,000 events or feedback of at most 800.
MAX_BODY, MAX_EVENTS_BODY = 1024 * 1024, 4 * 1024 * 1024

ROUTERS = (
    recommendations.router,
    features.router,
    ratings.router,
    public_ratings.router,
    events.router,
    feedback.router,
    movies.router,
    users.router,
    models.router,
    training.router,
    scenarios.router,
    experiments.router,
    audit.router,
    health.router,
    metrics_endpoint.router,
    docs_page.router,
    guide.router,
    page.router,
    posters.router,
    static.router,
    *admin.ROUTERS,
)


def create_app(settings: Settings | None = None, draining: Draining | None = None) -> FastAPI:
    """Make the application; it opens the database at its start and closes it at its end."""
    settings = settings or Settings()
    draining = new_draining() if draining is None else draining

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with tracing.opened(settings.trace_share), open_services(settings) as services:
            app.state.services = services
            yield
            write_pending()

    app = FastAPI(
        title="Recommender",
        version=version("recommender"),
        description=DESCRIPTION,
        lifespan=lifespan,
        dependencies=[Depends(refuse_repeats)],
        openapi_url=docs_page.OPENAPI_PATH,
        generate_unique_id_function=docs_page.operation_id,
        docs_url=None,
        redoc_url=None,
        # A redirect would repeat the Host header; a path with one more slash is another path.
        redirect_slashes=False,
        # Its spans hold paths, and so user keys; `RequestLogMiddleware` replaces it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.draining = draining
    app.state.open_visits = open_visits(settings)
    app.state.guide = guide.read_guide(settings.guide_dir)
    app.state.sign_in_tries = Limiter(TRIES_PER_MINUTE)
    handle_errors(app, ROUTERS, {error_pages.PATH: error_pages.error_page, "": not_found_page})
    for router in ROUTERS:
        app.include_router(router)
    _add_middleware(app, settings, draining)
    return app


def _add_middleware(app: FastAPI, settings: Settings, draining: Draining) -> None:
    """Add the middleware; a request passes the last one first."""
    share = settings.trace_share
    _add_step(app, share, "endpoint")
    app.add_middleware(AdmissionMiddleware, routes=app.routes)
    _add_step(app, share, "admission", before="cache")
    app.add_middleware(ResponseCacheMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(
        BodyLimitMiddleware,
        limit=MAX_BODY,
        larger={
            "/models/import": settings.model_upload_limit,
            "/events": MAX_EVENTS_BODY,
            "/feedback": MAX_EVENTS_BODY,
        },
    )
    if share:
        app.add_middleware(TracingMiddleware, share=share)
    app.add_middleware(
        AccessMiddleware,
        per_key=settings.key_rate_limit,
        per_address=settings.address_rate_limit,
        trusted=settings.trusted_proxies,
        is_private=settings.is_private,
        origins=settings.cors_origins,
    )
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, **_cors(settings))
    names = set(settings.allowed_hosts)
    if settings.on_loopback:
        names |= LOOPBACK_NAMES
    if names:
        app.add_middleware(HostMiddleware, names=names)
    app.add_middleware(RequestLogMiddleware)
    app.add_middleware(ResponseHeadersMiddleware, draining=draining)
    app.add_middleware(PathMiddleware)


def _add_step(app: FastAPI, share: float, name: str, *, before: str | None = None) -> None:
    """Show in traces how long what is added so far takes, and what is added next, before it."""
    if share:
        app.add_middleware(StepMiddleware, name=name, before=before)


def _cors(settings: Settings) -> dict[str, Any]:
    """Let pages of other origins send keys in a header; the API uses no cookies."""
    return {
        "allow_origins": settings.cors_origins,
        "allow_methods": ["GET", "POST", "PUT", "PATCH", "DELETE"],
        "allow_headers": [
            "Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "X-Request-ID",
        ],
        "expose_headers": [
            "ETag", "Location", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
            "Recommender-Degraded", "Retry-After", "X-Request-ID",
        ],
    }  # fmt: skip

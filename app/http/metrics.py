"""Metrics for Prometheus over HTTP."""

from fastapi import APIRouter, Response

from app.auth.dependencies import READ
from app.auth.errors import COMMON
from app.core import metrics
from app.core.errors import responses

router = APIRouter(tags=["operations"], dependencies=[READ])


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **responses(*COMMON),
    },
    summary="Figures for Prometheus",
)
def get_metrics() -> Response:
    """Return requests, latencies, model versions, cache hits, fallbacks and scoring times."""
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

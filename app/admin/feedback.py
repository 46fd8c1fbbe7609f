"""What came of lists, on the operators' pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.admin.charts import bars
from app.admin.security import Operator, show
from app.db.sql import now
from app.feedback.schemas import DIMENSIONS, Dimension, Rate
from app.feedback.service import FeedbackService
from app.http.api import ServicesDependency

router = APIRouter(prefix="/admin/feedback", include_in_schema=False)

DAYS = (1, 7, 28, 90)
SHOWN: tuple[Dimension, ...] = ("model", "scenario", "place")


@router.get("")
def get_feedback(
    request: Request,
    visitor: Operator,
    services: ServicesDependency,
    by: Annotated[list[Dimension], Query(max_length=len(DIMENSIONS))] = list(SHOWN),  # noqa: B006
    days: Annotated[int, Query(ge=1, le=365)] = 28,
) -> Response:
    """Show click-through and conversion, with their intervals."""
    with services.database.read() as connection:
        until = now(connection) + timedelta(seconds=1)  # with what came just now
    report = services.find(FeedbackService).report(until - timedelta(days=days), until, by)
    clicked = bars(_ends(row.click_through) for row in report.rows)
    watched = bars(_ends(row.conversion) for row in report.rows)
    return show(
        request, visitor, "feedback.html", report=report, days=days, all_days=DAYS,
        rows=list(zip(report.rows, clicked, watched, strict=True)), dimensions=DIMENSIONS,
    )  # fmt: skip


def _ends(rate: Rate | None) -> tuple[float, float, float] | None:
    return (rate.low, rate.share, rate.high) if rate else None

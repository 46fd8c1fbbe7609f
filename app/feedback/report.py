"""What came of lists: counts and rates by model, scenario, place, experiment and arm."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Double, Select, case, cast, func, select

from app.db.tables import feedback
from app.feedback.rates import Sums, rate
from app.feedback.schemas import KINDS, Dimension, FeedbackRow, Rate

MAX_ROWS = 1000
OUTCOMES = KINDS[1:]


def rows(
    connection: Connection, since: datetime, until: datetime, by: Sequence[Dimension]
) -> list[FeedbackRow]:
    """Return a row for each combination that feedback of this time has, most shown first."""
    found = connection.execute(_by_group(since, until, by)).mappings().all()
    return [_row(dict(each), by) for each in found]


def _per_movie(since: datetime, until: datetime, by: Sequence[Dimension]) -> Any:
    """Count what came of each movie for each user."""
    counts = [func.sum(case((feedback.c.kind == kind, 1), else_=0)).label(kind) for kind in KINDS]
    groups = [*(feedback.c[name] for name in by), feedback.c.user_id, feedback.c.movie_id]
    period = (feedback.c.occurred_at >= since) & (feedback.c.occurred_at < until)
    return select(*groups, *counts).where(period).group_by(*groups).subquery()


def _per_user(movie: Any, by: Sequence[Dimension]) -> Any:
    """Add them up; `<kind>_of_shown` has no more of a movie than was shown of it."""
    shown = movie.c.shown
    counted = [func.sum(movie.c[kind]).label(kind) for kind in KINDS]
    of_shown = [
        func.sum(case((movie.c[kind] < shown, movie.c[kind]), else_=shown)).label(_of_shown(kind))
        for kind in OUTCOMES
    ]
    groups = [*(movie.c[name] for name in by), movie.c.user_id]
    return select(*groups, *counted, *of_shown).group_by(*groups).subquery()


def _by_group(
    since: datetime, until: datetime, by: Sequence[Dimension]
) -> Select[*tuple[Any, ...]]:
    """Add up the users, with the squares that the intervals need."""
    user = _per_user(_per_movie(since, until, by), by)
    is_one = user.c.user_id.is_not(None)

    def product(a: ColumnElement[Any], b: ColumnElement[Any]) -> ColumnElement[Any]:
        # Nobody knows who anonymous feedback is of: each showing counts as a user of its own, for
        # which a product is 0 or 1.
        return func.sum(case((is_one, cast(a, Double) * b), else_=a))

    n = user.c.shown
    columns = [func.sum(user.c[kind]).label(kind) for kind in KINDS]
    columns += [
        func.sum(case((is_one, case((n > 0, 1), else_=0)), else_=n)).label("users"),
        product(n, n).label("nn"),
    ]
    for kind in OUTCOMES:
        x = user.c[_of_shown(kind)]
        columns += [func.sum(x).label(f"{kind}_x")]
        columns += [product(x, x).label(f"{kind}_xx"), product(x, n).label(f"{kind}_xn")]
    groups = [user.c[name] for name in by]
    query = select(*groups, *columns).group_by(*groups)
    order = [group.nulls_first() for group in groups]  # on both databases
    return query.order_by(func.sum(n).desc(), *order).limit(MAX_ROWS)


def _of_shown(kind: str) -> str:
    return f"{kind}_of_shown"


def _row(found: dict[str, Any], by: Sequence[Dimension]) -> FeedbackRow:
    names = ("click_through", "conversion", "dismissal")
    rates = {name: _rate(found, kind) for name, kind in zip(names, OUTCOMES, strict=True)}
    counts = {name: int(found[name]) for name in ("users", *KINDS)}
    return FeedbackRow.model_validate({name: found[name] for name in by} | counts | rates)


def _rate(found: dict[str, Any], kind: str) -> Rate | None:
    if not found["shown"]:
        return None
    x, xx, xn = (float(found[f"{kind}_{name}"]) for name in ("x", "xx", "xn"))
    sums = Sums(int(found["users"]), float(found["shown"]), x, float(found["nn"]), xx, xn)
    share, low, high = rate(sums)
    return Rate(share=share, low=low, high=high)

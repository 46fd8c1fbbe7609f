"""Compares the lists of shadows, which are shown to nobody, with those of the control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import time
from typing import NamedTuple

from sqlalchemy import Connection

from app.config import Settings
from app.db.engine import Database
from app.experiments import repository
from app.experiments.schemas import Shadow, Shadows
from app.live.rules import Experiment
from app.live.snapshot import Snapshot
from app.ratings import repository as ratings
from app.recommendations.history import History, history_of
from app.recommendations.options import Options
from app.recommendations.pages import page
from app.recommendations.plan import Plan, plan_of_arm
from data.movie_keys import movie_id

MAX_USERS = 100
LENGTH = 20


class Audience(NamedTuple):
    """Users: the movies that each clicked and may still be shown, and what lists follow from."""

    clicks: list[set[int]]
    histories: dict[str, dict[str, History]]  # by arm and user


def compare(
    database: Database, snapshot: Snapshot, experiment: Experiment, settings: Settings
) -> Shadows:
    """Make the lists of all shadows, and of the control, for the users who were here last."""
    control, *others = experiment.definition.arms
    plans = {
        arm.name: plan
        for arm in (control, *(arm for arm in others if arm.shadow))
        if (plan := plan_of_arm(snapshot, experiment, arm))
    }
    with database.read() as connection:
        audience = _read(connection, experiment.name, plans, settings)
    lists = {
        name: [_first(plan, user, history) for user, history in audience.histories[name].items()]
        for name, plan in plans.items()
    }
    shown, clicks = lists.pop(control.name, None), audience.clicks
    items = [_compare(name, shown, lists[name], clicks) for name in lists if shown is not None]
    return Shadows(users=len(clicks), items=items)


def _read(
    connection: Connection, experiment: str, plans: Mapping[str, Plan], settings: Settings
) -> Audience:
    users = repository.latest_users(connection, experiment, MAX_USERS)
    threshold, half_life = settings.like_threshold, settings.rating_half_life_days
    rated = ratings.find_ratings_of_users(
        connection, [key for _, key in users], threshold, half_life
    )
    clicked = repository.clicked(connection, experiment, [user_id for user_id, _ in users])
    clicks = [
        clicked[user_id] - set(History(rated.get(key)).not_shown.tolist()) for user_id, key in users
    ]
    histories = {
        name: {
            key: history_of(connection, plan, key, rated.get(key), threshold, None)
            for _, key in users
        }
        for name, plan in plans.items()
    }
    return Audience(clicks, histories)


def _compare(
    name: str, control: Sequence[set[int]], shadow: Sequence[set[int]], clicks: Sequence[set[int]]
) -> Shadow:
    overlaps = [
        len(one & other) / len(one) for one, other in zip(control, shadow, strict=True) if one
    ]
    return Shadow(
        name=name,
        overlap=sum(overlaps) / len(overlaps) if overlaps else None,
        clicks=sum(map(len, clicks)),
        control_found=_found(control, clicks),
        shadow_found=_found(shadow, clicks),
    )


def _found(lists: Sequence[set[int]], clicks: Sequence[set[int]]) -> float | None:
    n_clicks = sum(map(len, clicks))
    n_found = sum(len(one & movies) for one, movies in zip(lists, clicks, strict=True))
    return n_found / n_clicks if n_clicks else None


def _first(plan: Plan, user: str, history: History) -> set[int]:
    """Return the first movies of a list, as if nothing had been shown before."""
    options = Options(limit=LENGTH, explain=0)
    shown = page(plan, user, history, options, None, int(1000 * time())).items
    return {movie_id(item.movie_id) for item in shown}

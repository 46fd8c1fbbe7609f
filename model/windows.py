"""Rolling windows: train on all ratings before a date, find the likes of the days after it.

Ten windows of 5 % of the ratings each follow one another. Returning users are given all that they
rated before; new users nothing. Every setting is chosen on six earlier windows, which lie wholly
before the ten (those of the RBM were, beforehand). Each model stands in the table as it is and with
recency: the RBM by a shift of its visible biases and by the age of the given ratings
(`model.recency`), the peers by the nearest to that: their scores times the same lift, or its root,
and for EASE the same age weights on its input.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from data.progress import ignore_progress
from data.temporal import age_weights, rolling_windows
from model.breakdown import as_json, paired_difference, pool
from model.dated_models import methods, with_recency
from model.evaluation import figures, measure, prove_unseen
from model.protocol import versions
from model.selection import distinct

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from data.progress import Progress
    from data.splitting import HeldOut
    from data.temporal import Window
    from model.config import Config
    from model.dated_models import Method, Settings
    from model.evaluation import Judgement, Scorer

__all__ = ["CHOICE_STARTS", "JUDGED_STARTS", "NAMES", "compare_by_date"]

# Share of the ratings before each window: settings are chosen on the first six, judged are the ten.
CHOICE_STARTS = (0.20, 0.25, 0.30, 0.35, 0.40, 0.45)
JUDGED_STARTS = (0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
SIZE = 0.05
METRIC = "ndcg@100"
BLOCKS = ("returning", "new")

NAMES = (
    "popularity", "popularity-latest", "ease", "ease-recency", "ials", "ials-recency", "rbm",
    "rbm-recency",
)  # fmt: skip


def compare_by_date(
    users: ArrayLike,
    movies: ArrayLike,
    liked: ArrayLike,
    rated_at: ArrayLike,
    *,
    config: Config | None = None,
    dataset: Mapping[str, Any] | None = None,
    progress: Progress = ignore_progress,
) -> dict[str, Any]:
    """Judge the RBM and its peers on rolling windows, with and without recency.

    Parameters
    ----------
    users, movies, liked, rated_at : array_like, shape (n_ratings,)
        See `data.temporal.rolling_windows`.
    config : Config, optional
        Of the RBM; default: what suits the size of each window's training data.
    dataset : mapping, optional
        Description of the data for the result.
    progress : callable
        Called with the model, work done and work in all.

    Returns
    -------
    dict
        JSON values: ``dataset``, ``protocol``, ``windows`` with the blocks ``returning`` and
        ``new`` (``n_users`` and ``results``: a row for each model with ``settings``, ``metrics``,
        ``per_window`` and ``rbm_minus_this``) and ``periods``, and ``results``, the rows of the
        returning users. A user is judged in each window that has a like of theirs.

    Raises
    ------
    LeakError
        A model was given a rating that it has to find.
    ValueError
        Ratings without times.
    """
    columns = (users, movies, liked, rated_at)
    chosen_on, judged = (
        rolling_windows(*columns, starts=starts, size=SIZE)
        for starts in (CHOICE_STARTS, JUDGED_STARTS)
    )
    for window in (*chosen_on, *judged):
        for block in BLOCKS:
            prove_unseen(window.training.interactions, _block(window, block).hidden)
    table = _Table()
    work = _Work(progress, methods(config), len(chosen_on), len(judged))
    for method in methods(config):
        _judge(method, chosen_on, judged, table, work)
    blocks = {block: _rows(table, block) for block in BLOCKS}
    return {
        "dataset": {**(dataset or {}), "n_ratings": len(np.asarray(rated_at))},
        "protocol": _protocol(),
        "results": blocks["returning"]["results"],
        "windows": {**blocks, "periods": [_period(window) for window in judged]},
    }


@dataclass(slots=True)
class _Table:
    """Judgements of each window and the settings, by block and model."""

    judged: dict[tuple[str, str], list[Judgement]] = field(default_factory=dict)
    settings: dict[tuple[str, str], Settings] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class _Work:
    """Passes progress on."""

    def __init__(
        self, progress: Progress, methods: Sequence[Method], n_chosen: int, n_judged: int
    ) -> None:
        self._progress, self._done = progress, 0
        self._total = sum(
            each.cost * (len(each.grid) * n_chosen * each.is_chosen + _most_fits(each) * n_judged)
            for each in methods
        )

    def add(self, name: str, work: int) -> None:
        self._done += work
        self._progress(name, self._done, self._total)


def _most_fits(method: Method) -> int:
    """Fits for each judged window, at most."""
    return min(len(method.rows) * len(BLOCKS), len(method.grid))


def _judge(
    method: Method,
    chosen_on: Sequence[Window],
    judged: Sequence[Window],
    table: _Table,
    work: _Work,
) -> None:
    """Choose fit and recency by the pooled users of the earlier windows, judge on the others."""
    started, label = time.perf_counter(), next(iter(method.rows))
    best = _choose(method, chosen_on if method.is_chosen else (), work)
    table.settings |= {key: {**settings, **way} for key, (settings, way) in best.items()}
    fits = distinct(settings for settings, _ in best.values())
    for window in judged:
        models = [(settings, method.fit(window, settings)) for settings in fits]
        for key, (settings, way) in best.items():
            [model] = [model for own, model in models if own == settings]
            table.judged.setdefault(key, []).append(_measure(model, window, key[0], way))
        work.add(label, method.cost * _most_fits(method))
    table.seconds |= dict.fromkeys(method.rows, time.perf_counter() - started)


def _choose(
    method: Method, windows: Sequence[Window], work: _Work
) -> dict[tuple[str, str], tuple[Settings, Settings]]:
    """Return settings of fit and recency with the largest NDCG@100, by block and model."""
    tried: dict[tuple[str, str], list[tuple[float, Settings, Settings]]] = {}
    for settings in method.grid:
        values: dict[tuple[str, str, int], list[NDArray[np.float64]]] = {
            (block, name, place): []
            for block in BLOCKS
            for name, ways in method.rows.items()
            for place in range(len(ways))
        }
        for window in windows:
            model = method.fit(window, settings)
            for (block, name, place), users in values.items():
                judgement = _measure(model, window, block, method.rows[name][place])
                users.append(judgement.per_user[METRIC])
            work.add(next(iter(method.rows)), method.cost)
        for (block, name, place), users in values.items():
            together = np.concatenate([np.empty(0), *users])
            figure = float(together.mean()) if len(together) else 0.0
            found = (figure, settings, method.rows[name][place])
            tried.setdefault((block, name), []).append(found)
    best = {key: max(each, key=itemgetter(0)) for key, each in tried.items()}
    return {key: (settings, way) for key, (_, settings, way) in best.items()}


def _measure(model: Scorer, window: Window, block: str, way: Settings) -> Judgement:
    """Judge a model with a way of recency on one block of a window."""
    held_out = _block(window, block)
    if "half_life" in way and block == "returning":
        weights = age_weights(window.given_at, window.begin, way["half_life"])
        held_out = replace(held_out, weights=weights)
    return measure(with_recency(model, window, way), held_out)


def _block(window: Window, block: str) -> HeldOut:
    return window.returning if block == "returning" else window.new


def _rows(table: _Table, block: str) -> dict[str, Any]:
    """Return the rows of all models for one block of users."""
    own = pool(table.judged[block, "rbm-recency"])
    results = []
    for name in NAMES:
        parts = table.judged[block, name]
        judgement = pool(parts)
        row: dict[str, Any] = {
            "model": name,
            "metrics": {metric: as_json(value) for metric, value in figures(judgement).items()},
            "settings": dict(table.settings[block, name]),
            "seconds": round(table.seconds[name], 3),
            "per_window": [_mean(part.per_user[METRIC]) for part in parts],
        }
        if name != "rbm-recency":
            row["rbm_minus_this"] = paired_difference(own, judgement)
        results.append(row)
    return {"n_users": len(own.n_given), "results": results}


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _period(window: Window) -> dict[str, Any]:
    first, last = (datetime.fromtimestamp(at, UTC).date() for at in (window.begin, window.end - 1))
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "n_training_users": window.training.interactions.n_users,
        "n_movies": window.training.interactions.n_movies,
        "n_returning": window.returning.given.n_users,
        "n_new": window.new.given.n_users,
    }


def _protocol() -> dict[str, Any]:
    return {
        "name": "windows",
        "starts": list(JUDGED_STARTS),
        "size": SIZE,
        "given": "what a user rated before the window; nothing for new users",
        "hidden": "the likes within the window, of movies rated before it",
        "settings_chosen_on": {"starts": list(CHOICE_STARTS), "size": SIZE, "metric": METRIC},
        "versions": versions(),
        "cpus": os.cpu_count(),
    }

"""Judges models on a data set, or a published model on the users that no training saw."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.config import Settings
from app.datasets.snapshot import read_snapshot
from app.db.engine import Database
from app.evaluation.report_data import (
    N_EXAMPLES,
    Titles,
    examples,
    features,
    public_rows,
    read_titles,
)
from app.registry import repository as models
from app.store.remote import open_store
from data.interactions import Interactions
from data.movielens import load
from data.progress import Progress, ignore_progress
from data.splitting import Split
from data.temporal import TimeSlices, slice_by_time
from model.comparison import compare
from model.evaluation import Scorer
from model.published import judge_published
from model.rbm import RBM
from model.windows import compare_by_date

DATABASE = "db"
NEEDS_TIMES = "the {} protocol needs the times of a data set: name a release or a path"


@dataclass(frozen=True, slots=True)
class Data:
    """What is evaluated on."""

    interactions: Interactions | TimeSlices
    dataset: dict[str, Any]
    titles: Titles
    public_rows: Callable[[NDArray[np.str_]], list[int]]
    """Of users by their keys, the rows of the first few whose ratings may be shown."""


class EvaluationError(ValueError):
    """The protocol does not suit the data; the message says why."""


def compare_models(
    settings: Settings,
    source: str,
    *,
    protocol: str = "strong",
    n_seeds: int = 1,
    names: Sequence[str] | None = None,
    progress: Progress = ignore_progress,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compare the RBM with its baselines on a data set, or on what is in the database.

    Returns the figures, and what a report card shows beside them: hidden units and examples of the
    first RBM.
    """
    shown: dict[str, Any] = {}
    opened = _database if source == DATABASE else _release
    with opened(settings, source, protocol) as data:

        def observe(name: str, scorer: Scorer, split: Split) -> None:
            if isinstance(scorer, RBM) and name == "rbm" and not shown:
                shown["features"] = features(scorer, data.titles)
                rows = data.public_rows(split.test.given.user_keys)
                shown["examples"] = examples(scorer, split.test, data.titles, rows)

        result = compare(
            data.interactions,
            seeds=range(n_seeds),
            models=names,
            dataset={**data.dataset, "like_threshold": settings.like_threshold},
            progress=progress,
            observe=observe,
        )
    return result, shown


def compare_windows(
    settings: Settings, source: str, *, progress: Progress = ignore_progress
) -> dict[str, Any]:
    """Compare the RBM with its peers on rolling windows by date of a data set."""
    if source == DATABASE:
        raise EvaluationError(NEEDS_TIMES.format("windows"))
    release = load(
        source, datasets_dir=settings.datasets_dir, datasets_url=str(settings.datasets_url)
    )
    return compare_by_date(
        *release.columns(settings.like_threshold),
        release.ratings["rated_at"].to_numpy(),
        dataset={
            "name": release.name,
            "sha256": release.sha256,
            "like_threshold": settings.like_threshold,
        },
        progress=progress,
    )


def judge_version(database: Database, settings: Settings, version: str) -> dict[str, Any]:
    """Judge a published model on its gate users, with the ratings of today."""
    with database.read() as connection:
        sha256 = models.get(connection, version).sha256
    published = open_store(settings).load(version, sha256)
    snapshot = read_snapshot(database, settings.like_threshold)
    return judge_published(
        published.rbm, published.card, snapshot.interactions, salt=snapshot.holdout_salt
    )


@contextmanager
def _database(settings: Settings, _source: str, protocol: str) -> Iterator[Data]:
    if protocol != "strong":
        raise EvaluationError(NEEDS_TIMES.format(protocol))
    database = Database(settings.database_url)
    try:
        snapshot = read_snapshot(database, settings.like_threshold)
        known = snapshot.dataset
        name = known.name if known else "database"
        yield Data(
            snapshot.interactions,
            {"name": name, "revision": snapshot.ratings_revision},
            read_titles(database),
            partial(public_rows, database, known),
        )
    finally:
        database.dispose()


@contextmanager
def _release(settings: Settings, source: str, protocol: str) -> Iterator[Data]:
    release = load(
        source, datasets_dir=settings.datasets_dir, datasets_url=str(settings.datasets_url)
    )
    interactions: Interactions | TimeSlices
    if protocol == "temporal":
        columns = release.columns(settings.like_threshold)
        interactions = slice_by_time(*columns, release.ratings["rated_at"].to_numpy())
    else:
        interactions = release.interactions(settings.like_threshold)
    dataset = {"name": release.name, "sha256": release.sha256}

    def public(user_keys: NDArray[np.str_]) -> list[int]:
        return list(range(min(len(user_keys), N_EXAMPLES))) if release.is_public else []

    yield Data(interactions, dataset, _titles(release.movies), public)


def _titles(movies: pd.DataFrame) -> Titles:
    """Title and year of every movie, by movie id."""
    return {
        int(movie_id): (str(title), None if pd.isna(year) else int(year))
        for movie_id, title, year in zip(
            movies["movie_id"], movies["title"], movies["year"], strict=True
        )
    }

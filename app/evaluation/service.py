"""Judges models on a data set, or a published model on the users that no training saw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.config import Settings
from app.core.errors import ModelNotFoundError
from app.datasets.snapshot import read_snapshot
from app.db.engine import Database
from app.db.model_versions import checksum
from app.evaluation.report_data import (
    N_EXAMPLES,
    Titles,
    examples,
    features,
    public_rows,
    read_titles,
)
from app.registry import repository as models
from data.interactions import Interactions
from data.movielens import load
from data.splitting import Split
from data.temporal import TimeSlices, slice_by_time
from model import artifact
from model.comparison import compare
from model.evaluation import Scorer
from model.published import judge_published
from model.rbm import RBM

DATABASE = "db"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Data:
    """What is evaluated on."""

    interactions: Interactions | TimeSlices
    dataset: dict[str, Any]
    titles: Titles
    public_rows: Callable[[NDArray[np.str_]], list[int]]
    """Of users by their keys, the first few whose ratings anybody may look at."""


class EvaluationError(ValueError):
    """The question cannot be answered; the message says why."""


def compare_models(
    settings: Settings,
    source: str,
    *,
    protocol: str = "strong",
    n_seeds: int = 1,
    names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Compare the RBM with its baselines on a data set, or on what is in the database.

    Returns the figures, and what a report card shows beside them: hidden units and examples of the
    first RBM.
    """
    if source == DATABASE:
        data = _from_database(settings, protocol)
    else:
        data = _from_release(settings, source, protocol)
    data.dataset["like_threshold"] = settings.like_threshold
    shown: dict[str, Any] = {}

    def observe(name: str, scorer: Scorer, split: Split) -> None:
        if isinstance(scorer, RBM) and name == "rbm" and not shown:
            shown["features"] = features(scorer, data.titles)
            rows = data.public_rows(split.test.given.user_keys)
            shown["examples"] = examples(scorer, split.test, data.titles, rows)

    result = compare(
        data.interactions,
        seeds=range(n_seeds),
        models=names,
        dataset=data.dataset,
        progress=progress,
        observe=observe,
    )
    return result, shown


def judge_version(database: Database, settings: Settings, version: str) -> dict[str, Any]:
    """Judge a published model on its gate users, with the ratings of today."""
    with database.read() as connection:
        if not models.exists(connection, version):
            raise ModelNotFoundError(version)
        sha256 = checksum(connection, version)
    published = artifact.load(settings.models_dir / version, sha256=sha256)
    snapshot = read_snapshot(database, settings.like_threshold)
    return judge_published(
        published.rbm, published.card, snapshot.interactions, salt=snapshot.holdout_salt
    )


def _from_database(settings: Settings, protocol: str) -> Data:
    if protocol != "strong":
        raise EvaluationError(
            "the temporal protocol needs the times of a data set: name a release or a path"
        )
    database = Database(settings.database_url)
    try:
        snapshot = read_snapshot(database, settings.like_threshold)
        titles = read_titles(database)
    finally:
        database.dispose()
    known = snapshot.dataset
    dataset = {"name": known.name if known else "database", "revision": snapshot.ratings_revision}

    def public(user_keys: NDArray[np.str_]) -> list[int]:
        again = Database(settings.database_url)
        try:
            return public_rows(again, known, user_keys)
        finally:
            again.dispose()

    return Data(snapshot.interactions, dataset, titles, public)


def _from_release(settings: Settings, source: str, protocol: str) -> Data:
    release = load(
        source, datasets_dir=settings.datasets_dir, datasets_url=str(settings.datasets_url)
    )
    ratings = release.ratings
    columns = (
        ratings["user"].to_numpy(),
        ratings["movie_id"].to_numpy(dtype=np.int64),
        ratings["stars"].to_numpy() >= settings.like_threshold,
    )
    interactions: Interactions | TimeSlices
    if protocol == "temporal":
        interactions = slice_by_time(*columns, ratings["rated_at"].to_numpy())
    else:
        interactions = Interactions.from_arrays(*columns)
    dataset = {"name": release.name, "sha256": release.sha256}

    def public(user_keys: NDArray[np.str_]) -> list[int]:
        return list(range(min(len(user_keys), N_EXAMPLES))) if release.is_public else []

    return Data(interactions, dataset, _titles(release.movies), public)


def _titles(movies: pd.DataFrame) -> Titles:
    """Title and year of every movie, by movie id."""
    return {
        int(movie_id): (str(title), None if pd.isna(year) else int(year))
        for movie_id, title, year in zip(
            movies["movie_id"], movies["title"], movies["year"], strict=True
        )
    }

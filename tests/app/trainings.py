"""Short trainings, for the tests of what they lead to."""

from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from app.config import Settings
from app.db.engine import Database
from app.db.tables import movies, ratings, users
from app.jobs.checkpoints import Checkpoints
from app.jobs.schemas import TrainingOptions
from app.ratings.user_repository import next_revision
from app.training.pipeline import OnEpoch, TrainingResult, train
from data.interactions import Interactions
from model.artifact import load
from tests.app.world import MOMENT
from tests.model.planted import planted

SHORT: dict[str, Any] = {"n_epochs": 6, "n_hidden": 16}
# Enough to find the tastes of `planted` in half a second.
ENOUGH: dict[str, Any] = {
    "n_epochs": 12, "n_hidden": 12, "batch_size": 20,
    "learning_rate_weights": 0.1, "learning_rate_visible": 0.1, "learning_rate_hidden": 0.1,
}  # fmt: skip


def settings_for(models_dir: Path, **values: Any) -> Settings:
    return Settings(models_dir=models_dir, **values)


def train_briefly(
    database: Database,
    models_dir: Path,
    changes: dict[str, Any] | None = None,
    *,
    checkpoints: Checkpoints | None = None,
    on_epoch: OnEpoch | None = None,
    **options: Any,
) -> TrainingResult:
    """Train from scratch and publish whatever comes of it, unless the options say otherwise."""
    options = {"from_scratch": "start" not in options, "publish_anyway": True, **options}
    return train(
        database,
        settings_for(models_dir),
        TrainingOptions(hyper_parameters=SHORT if changes is None else changes, **options),
        "a test",
        checkpoints=checkpoints or Checkpoints(),
        on_epoch=on_epoch,
    )


def card_of(models_dir: Path, result: TrainingResult) -> dict[str, Any]:
    return load(models_dir / result.version).card


def people() -> Interactions:
    """Three hundred people whose tastes a short training finds; keys that nothing else contains."""
    opinions = planted(300, 60)
    keys = np.array([f"secret~{key}~person" for key in opinions.user_keys])
    return Interactions(
        opinions.indptr, opinions.movie_rows, opinions.liked, keys, opinions.movie_ids + 1
    )


def store(database: Database, opinions: Interactions) -> None:
    """Store what people say, in place of what they have said before."""
    keys = opinions.user_keys.tolist()
    with database.unit_of_work() as connection:
        stored = set(connection.execute(select(movies.c.id)).scalars())
        new = [id_ for id_ in opinions.movie_ids.tolist() if id_ not in stored]
        if new:
            rows = [{"id": id_, "title": f"Movie {id_}", "genres": ["Drama"]} for id_ in new]
            connection.execute(insert(movies), rows)
        known = _ids(connection)
        connection.execute(
            delete(ratings).where(ratings.c.user_id.in_(known[k] for k in keys if k in known))
        )
        missing = [key for key in keys if key not in known]
        if missing:
            connection.execute(
                insert(users), [{"key": key, "ratings_revision": 0} for key in missing]
            )
        ids = _ids(connection)
        user_ids = np.array([ids[key] for key in keys])[opinions.user_rows]
        rated = zip(
            user_ids.tolist(), opinions.movie_ids[opinions.movie_rows].tolist(),
            opinions.liked.tolist(), strict=True,
        )  # fmt: skip
        connection.execute(
            insert(ratings),
            [
                {"user_id": user, "movie_id": movie, "liked": liked, "rated_at": MOMENT}
                for user, movie, liked in rated
            ],
        )
        next_revision(connection)


def _ids(connection: Connection) -> dict[str, int]:
    return {row.key: row.id for row in connection.execute(select(users.c.key, users.c.id))}


def shuffled(opinions: Interactions, seed: int = 0) -> Interactions:
    """The same people rate as many movies as before, with as many likes, but any."""
    rng = np.random.default_rng(seed)
    rows = [
        np.sort(rng.choice(opinions.n_movies, size=size, replace=False))
        for size in opinions.ratings_per_user
    ]
    return Interactions(
        opinions.indptr,
        np.concatenate(rows).astype(np.int32),
        rng.permutation(opinions.liked),
        opinions.user_keys,
        opinions.movie_ids,
    )

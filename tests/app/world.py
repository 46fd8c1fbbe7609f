"""A small world for the tests of the service: movies, users, ratings and a model."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert, update

from app.config import Settings
from app.db.engine import Database
from app.db.tables import installation, movies, ratings, users
from app.registry import repository as models
from model import artifact
from model.rbm import RBM, Calibration

MOVIE_IDS = [10 * i for i in range(1, 41)]
# Movies 360 to 400 came after the model was trained; it knows movie 7, which the catalogue lost.
MODEL_MOVIE_IDS = [7, *MOVIE_IDS[:35]]
N_RATERS = 6
MOMENT = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
# What the card of every trained model says; without it none is imported.
TRAINED: dict[str, Any] = {
    "created_at": "2026-11-20T10:15:00+00:00",
    "dataset": {"name": "small"},
    "data": {"ratings_revision": 1, "n_users": 610, "n_ratings": 100836, "like_threshold": 4.0},
    "holdout": {"salt": "of another database"},
    "configuration": {"n_hidden": 5, "classic": False, "l2": 0.01},
}


@dataclass(frozen=True)
class World:
    """What the database was filled with."""

    database: Database
    settings: Settings
    ratings: dict[str, dict[int, bool]]  # movie id → liked, by user
    rbm: RBM

    def unseen(self, user: str) -> set[int]:
        return set(MOVIE_IDS) - self.ratings.get(user, {}).keys()


def make_rbm(seed: int, movie_ids: list[int] = MODEL_MOVIE_IDS, n_hidden: int = 5) -> RBM:
    generator = np.random.default_rng(seed)

    def draw(*shape: int) -> Any:
        return generator.normal(size=shape).astype(np.float32)

    return RBM(
        W=draw(len(movie_ids), 2, n_hidden),
        a=draw(len(movie_ids), 2) - 1,
        b=draw(n_hidden),
        movie_ids=np.array(movie_ids, dtype=np.int64),
        mean_ratings=8.0,
        calibration=Calibration(0.9, 0.9, 0.3, 0.1),
    )


def add_movies(database: Database, movie_ids: list[int]) -> None:
    rows = [
        {"id": id_, "title": f"Movie {id_}", "year": 1950 + id_ % 70, "genres": ["Drama"]}
        for id_ in movie_ids
    ]
    with database.unit_of_work() as connection:
        connection.execute(insert(movies), rows)


def add_ratings(database: Database, rated: dict[str, dict[int, float | bool]]) -> None:
    """Store stars (a float) or a plain like (a bool) of new users."""
    with database.unit_of_work() as connection:
        connection.execute(update(installation).values(ratings_revision=1))
        new = insert(users).returning(users.c.id, sort_by_parameter_order=True)
        ids = connection.execute(new, [{"key": key, "ratings_revision": 1} for key in rated])
        rows = [
            {"user_id": user_id, "movie_id": movie_id, "rated_at": MOMENT, **_columns(rating)}
            for user_id, of_user in zip(ids.scalars().all(), rated.values(), strict=True)
            for movie_id, rating in of_user.items()
        ]
        if rows:
            connection.execute(insert(ratings), rows)


def _columns(rating: float | bool) -> dict[str, float | bool | None]:
    plain = isinstance(rating, bool)
    return {"stars": None if plain else rating, "liked": rating if plain else None}


def publish(
    database: Database, models_dir: Path, version: str, rbm: RBM, *, active: bool = True
) -> None:
    """Save a model, and make it the active one."""
    sha256 = artifact.save(models_dir / version, rbm, {})
    with database.unit_of_work() as connection:
        models.add(connection, version, {}, sha256, MOMENT)
    if active:
        activate(database, version)


def activate(database: Database, version: str | None) -> None:
    """Make a version the active one, none with None."""
    with database.unit_of_work() as connection:
        if version is None:
            models.deactivate(connection)
        else:
            models.activate(connection, version)


def draw_ratings(seed: int = 0) -> dict[str, dict[int, float | bool]]:
    """Ratings of users `1` to `6`, half of them plain likes, and of two special users."""
    generator = np.random.default_rng(seed)
    drawn: dict[str, dict[int, float | bool]] = {}
    for user in range(1, N_RATERS + 1):
        rated = generator.choice(MOVIE_IDS, size=4 * user, replace=False).tolist()
        drawn[str(user)] = {
            movie_id: bool(generator.random() < 0.5)
            if generator.random() < 0.5
            else float(generator.integers(1, 11)) / 2
            for movie_id in rated
        }
    drawn["newcomer"] = {}
    drawn["avant-garde"] = {380: True, 400: 1.0}
    return drawn


def is_like(rating: float | bool) -> bool:
    return rating if isinstance(rating, bool) else rating >= 4

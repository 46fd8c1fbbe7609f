"""What people think of movies, counted at one moment, and the row in which all workers share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, case, func, select, update

from app.db.sql import liked, now, upsert
from app.db.tables import ratings, shared_counts, users

# The checksum of the release that was imported, and when.
Imported = tuple[str, datetime]


class Basis(NamedTuple):
    """What was counted, and how."""

    ratings_revision: int
    imported: Imported | None
    like_threshold: float


class Generation(NamedTuple):
    """The shared counts without the numbers themselves."""

    name: str
    claimed: str  # by whoever began to count last; the name of the counts once they are there
    begun_at: datetime
    took_s: float
    basis: Basis


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """How many people like and rate each movie that was rated, by rising movie id."""

    movie_ids: NDArray[np.int64]
    likes: NDArray[np.int64]
    ratings: NDArray[np.int64]
    n_users: int
    basis: Basis
    took_s: float
    generation: str | None  # None where no other worker has them


def count(connection: Connection, basis: Basis) -> Counts:
    """Read all ratings; `basis` must be of the same transaction."""
    begin = monotonic()
    rows = count_opinions(connection, basis.like_threshold)
    n_users = count_users(connection)
    numbers = np.array(sorted(tuple(row) for row in rows), dtype=np.int64).reshape(-1, 3)
    movie_ids, likes, totals = numbers.T.copy()
    took_s = monotonic() - begin
    return Counts(movie_ids, likes, totals, n_users, basis, took_s, generation=None)


def find_generation(connection: Connection) -> Generation | None:
    """Tell which counts are shared, None where there are none yet."""
    table = shared_counts.c
    row = connection.execute(
        select(
            table.generation,
            table.claimed,
            table.begun_at,
            table.took_s,
            table.ratings_revision,
            table.dataset_sha256,
            table.imported_at,
            table.like_threshold,
        )
    ).first()
    if row is None:
        return None
    sha256, imported_at = row.dataset_sha256, row.imported_at
    imported = None if sha256 is None or imported_at is None else (sha256, imported_at)
    basis = Basis(row.ratings_revision, imported, row.like_threshold)
    return Generation(row.generation, row.claimed, row.begun_at, row.took_s, basis)


def read(connection: Connection, generation: Generation) -> Counts:
    """Read the shared counts; `generation` must be of the same transaction."""
    row = connection.execute(select(shared_counts.c.n_users, shared_counts.c.counts)).one()
    movie_ids, likes, totals = np.frombuffer(row.counts, dtype="<i8").reshape(3, -1)
    name, basis, took_s = generation.name, generation.basis, generation.took_s
    return Counts(movie_ids, likes, totals, row.n_users, basis, took_s, name)


def claim(connection: Connection, seen: Generation, name: str) -> bool:
    """Begin to count; False when somebody else has begun since, or the counts are gone."""
    statement = update(shared_counts).where(shared_counts.c.claimed == seen.claimed)
    changed = connection.execute(statement.values(claimed=name, begun_at=now(connection)))
    return changed.rowcount > 0


def replace(connection: Connection, counts: Counts, name: str) -> bool:
    """Share counts that were claimed; False when somebody else has begun to count since."""
    statement = update(shared_counts).where(shared_counts.c.claimed == name)
    return connection.execute(statement.values(_row(counts, name))).rowcount > 0


def add(connection: Connection, counts: Counts, name: str) -> bool:
    """Share the first counts; False when somebody else has done so."""
    new = upsert(connection, shared_counts).values(
        id=1, claimed=name, begun_at=now(connection), **_row(counts, name)
    )
    new = new.on_conflict_do_nothing()
    return connection.execute(new.returning(shared_counts.c.id)).first() is not None


def _row(counts: Counts, name: str) -> dict[str, Any]:
    basis = counts.basis
    sha256, imported_at = basis.imported or (None, None)
    numbers = np.stack([counts.movie_ids, counts.likes, counts.ratings])
    return {
        "generation": name,
        "took_s": counts.took_s,
        "ratings_revision": basis.ratings_revision,
        "dataset_sha256": sha256,
        "imported_at": imported_at,
        "like_threshold": basis.like_threshold,
        "n_users": counts.n_users,
        "counts": numbers.astype("<i8").tobytes(),
    }


def count_opinions(connection: Connection, like_threshold: float) -> Sequence[Row[int, int, int]]:
    """Return movie id, likes and ratings of every movie that was rated."""
    likes = func.sum(case((liked(like_threshold), 1), else_=0))
    return connection.execute(
        select(ratings.c.movie_id, likes, func.count()).group_by(ratings.c.movie_id)
    ).all()


def count_users(connection: Connection) -> int:
    """Return the number of users."""
    return connection.execute(select(func.count()).select_from(users)).scalar_one()

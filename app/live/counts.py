"""Likes and ratings of each movie, counted once and shared by all workers in one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    case,
    func,
    literal_column,
    select,
    update,
)

from app.db.sql import liked, now, upsert
from app.db.tables import ratings, shared_counts, users
from app.live import trends
from app.live.trends import LikesByTime

# The checksum of the imported release, and the time of the import.
Imported = tuple[str, datetime]


class Basis(NamedTuple):
    """The data and the settings of a count."""

    ratings_revision: int
    imported: Imported | None
    like_threshold: float
    recent_share: float = 0.0  # the latest share of the ratings, whose likes are counted too
    by_time: bool = True  # so are likes by time; the version before did not


class Generation(NamedTuple):
    """The shared counts without the numbers themselves."""

    name: str
    claimed: str  # by the last count that began; equal to `name` once it is stored
    begun_at: datetime
    took_s: float
    basis: Basis


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Likes and ratings of each rated movie, ordered by movie id."""

    movie_ids: NDArray[np.int64]
    likes: NDArray[np.int64]
    ratings: NDArray[np.int64]
    n_users: int
    basis: Basis
    took_s: float
    generation: str | None  # None if they are not shared
    recent_likes: NDArray[np.int64] | None = None  # None without a share in the basis
    by_time: LikesByTime = field(default_factory=LikesByTime)


def count(connection: Connection, basis: Basis) -> Counts:
    """Count all ratings; `basis` must be read in the same transaction."""
    begin = monotonic()
    share = basis.recent_share
    since = _first_of_the_latest(connection, share) if share else None
    rows = count_ratings(connection, basis.like_threshold, since)
    n_users = count_users(connection)
    by_time = trends.count(connection, basis.like_threshold)
    numbers = np.array(sorted(tuple(row) for row in rows), dtype=np.int64).reshape(-1, 4)
    movie_ids, likes, totals, recent = numbers.T.copy()
    took_s = monotonic() - begin
    lately = recent if share else None
    return Counts(movie_ids, likes, totals, n_users, basis, took_s, None, lately, by_time)


def find_generation(connection: Connection) -> Generation | None:
    """Return the generation of the shared counts, None before the first ones."""
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
            table.recent_generation,
            table.recent_share,
            table.trend_generation,
        )
    ).first()
    if row is None:
        return None
    sha256, imported_at = row.dataset_sha256, row.imported_at
    imported = None if sha256 is None or imported_at is None else (sha256, imported_at)
    recent_share = row.recent_share if row.recent_generation == row.generation else None
    by_time = row.trend_generation == row.generation
    basis = Basis(row.ratings_revision, imported, row.like_threshold, recent_share or 0.0, by_time)
    return Generation(row.generation, row.claimed, row.begun_at, row.took_s, basis)


def read(connection: Connection, generation: Generation) -> Counts:
    """Read the shared counts; `generation` must be read in the same transaction."""
    table = shared_counts.c
    columns = (table.n_users, table.counts, table.recent_likes, table.trend_likes)
    row = connection.execute(select(*columns)).one()
    movie_ids, likes, totals = np.frombuffer(row.counts, dtype="<i8").reshape(3, -1)
    name, basis, took_s = generation.name, generation.basis, generation.took_s
    recent = np.frombuffer(row.recent_likes, dtype="<i8") if basis.recent_share else None
    by_time = LikesByTime.unpacked(row.trend_likes) if basis.by_time else LikesByTime()
    return Counts(movie_ids, likes, totals, row.n_users, basis, took_s, name, recent, by_time)


def claim(connection: Connection, seen: Generation, name: str) -> bool:
    """Begin to count; False if another worker has begun since, or the counts are gone."""
    statement = update(shared_counts).where(shared_counts.c.claimed == seen.claimed)
    changed = connection.execute(statement.values(claimed=name, begun_at=now(connection)))
    return changed.rowcount > 0


def replace(connection: Connection, counts: Counts, name: str) -> bool:
    """Store claimed counts; False if another worker has begun to count since."""
    statement = update(shared_counts).where(shared_counts.c.claimed == name)
    return connection.execute(statement.values(_row(counts, name))).rowcount > 0


def add(connection: Connection, counts: Counts, name: str) -> bool:
    """Store the first counts; False if another worker has stored some."""
    new = upsert(connection, shared_counts).values(
        id=1, claimed=name, begun_at=now(connection), **_row(counts, name)
    )
    new = new.on_conflict_do_nothing()
    return connection.execute(new.returning(shared_counts.c.id)).first() is not None


def _row(counts: Counts, name: str) -> dict[str, Any]:
    basis = counts.basis
    sha256, imported_at = basis.imported or (None, None)
    numbers = np.stack([counts.movie_ids, counts.likes, counts.ratings])
    recent = counts.recent_likes
    return {
        "generation": name,
        "took_s": counts.took_s,
        "ratings_revision": basis.ratings_revision,
        "dataset_sha256": sha256,
        "imported_at": imported_at,
        "like_threshold": basis.like_threshold,
        "n_users": counts.n_users,
        "counts": numbers.astype("<i8").tobytes(),
        "recent_generation": name,
        "recent_share": basis.recent_share or None,
        "recent_likes": None if recent is None else recent.astype("<i8").tobytes(),
        "trend_generation": name,
        "trend_likes": counts.by_time.packed(),
    }


def count_ratings(
    connection: Connection, like_threshold: float, since: datetime | None = None
) -> Sequence[Row[int, int, int, int]]:
    """Return movie id, likes, ratings, and likes since a moment (or 0) of every rated movie."""
    is_like = liked(like_threshold)
    likes = func.sum(case((is_like, 1), else_=0))
    recent: ColumnElement[int] = literal_column("0")
    if since is not None:
        recent = func.sum(case((is_like & (ratings.c.rated_at >= since), 1), else_=0))
    query = select(ratings.c.movie_id, likes, func.count(), recent)
    return connection.execute(query.group_by(ratings.c.movie_id)).all()


def _first_of_the_latest(connection: Connection, share: float) -> datetime | None:
    """Return the second with which the latest share of all ratings begins, None without any."""
    n_ratings = connection.execute(select(func.count()).select_from(ratings)).scalar_one()
    latest = select(ratings.c.rated_at).order_by(ratings.c.rated_at.desc())
    n_before = max(round(share * n_ratings), 1) - 1
    return connection.execute(latest.offset(n_before).limit(1)).scalar()


def count_users(connection: Connection) -> int:
    """Return the number of users."""
    return connection.execute(select(func.count()).select_from(users)).scalar_one()

"""Releases of a few lines, and all that a database holds, to compare."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select

from app.db import tables
from app.db.engine import Database
from data.release import Release

# One line of a file of ratings: user, movie, stars, Unix seconds (0: none).
Line = tuple[int | str, int, float, int]

MOVIES: dict[int, str] = {1: "Toy Story", 2: "Jumanji", 3: "Heat", 4: "Sabrina"}
LINES: list[Line] = [(7, 1, 4.0, 1000), (7, 2, 2.5, 1001), (8, 1, 5.0, 1002), (8, 3, 0.5, 1003)]


def make_release(
    lines: Iterable[Line] = LINES,
    titles: Mapping[int, str] = MOVIES,
    *,
    name: str = "small",
    year: int | None = 1995,
    own: bool = False,
) -> Release:
    """Build what a reader would return; the checksum follows the contents."""
    users, movie_ids, stars, rated_at = zip(*lines, strict=True)
    ratings = pd.DataFrame(
        {
            "user": pd.Series(users, dtype="str" if isinstance(users[0], str) else "int32"),
            "movie_id": np.array(movie_ids, dtype=np.int32),
            "stars": np.array(stars, dtype=np.float32),
            "rated_at": np.array(rated_at, dtype=np.int64),
        }
    )
    movies = pd.DataFrame(
        {
            "movie_id": np.array(list(titles), dtype=np.int64),
            "key": pd.Series([None] * len(titles), dtype="object"),
            "title": pd.Series(list(titles.values()), dtype="str"),
            "year": pd.array([year] * len(titles), dtype="Int32"),
            "genres": pd.Series([["Comedy", "Drama"]] * len(titles), dtype="object"),
            "imdb_id": pd.array([None] * len(titles), dtype="Int32"),
            "tmdb_id": pd.array([862] * len(titles), dtype="Int32"),
            "attributes": pd.Series([None] * len(titles), dtype="object"),
        }
    )
    text = ratings.to_csv() + movies.to_csv()
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Release(name, sha256, ratings, movies, "Handle with care.", is_public=False, is_own=own)


def large_release(name: str, n_users: int = 200, per_user: int = 150) -> Release:
    """Build a release that takes a noticeable time to import; by its name always the same."""
    generator = np.random.default_rng(list(name.encode()))
    n_movies = 400 + ord(name[0])
    lines: list[Line] = [
        (user, int(movie), float(generator.integers(1, 11)) / 2, 1000 + user)
        for user in range(1, n_users + 1)
        for movie in generator.choice(n_movies, per_user, replace=False) + 1
    ]
    titles = {movie: f"Movie {movie}" for movie in range(1, n_movies + 1)}
    return make_release(lines, titles, name=name)


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with database.read() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for name, table in tables.metadata.tables.items()
        }


def ratings(database: Database) -> dict[tuple[str, int], tuple[float | bool | None, int]]:
    """Return stars (or like) and time of each rating by user and movie."""
    query = select(
        tables.users.c.key,
        tables.ratings.c.movie_id,
        tables.ratings.c.stars,
        tables.ratings.c.liked,
        tables.ratings.c.rated_at,
    ).join(tables.ratings, tables.ratings.c.user_id == tables.users.c.id)
    with database.read() as connection:
        return {
            (key, movie_id): (liked if stars is None else stars, int(rated_at.timestamp()))
            for key, movie_id, stars, liked, rated_at in connection.execute(query)
        }


def revisions(database: Database) -> dict[str, int]:
    """Return the ratings revision of each user."""
    with database.read() as connection:
        return dict(
            connection.execute(select(tables.users.c.key, tables.users.c.ratings_revision)).all()
        )


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

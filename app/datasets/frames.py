"""Converts the tables of a release to rows of the database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from app.datasets.bulk import Ratings
from data.release import NO_TIME

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Ratings that are Python objects at one time: 20 MB.
CHUNK = 100_000


def movie_rows(movies: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row of the movies' table per movie."""
    columns = {
        "id": movies["movie_id"].tolist(),
        "title": movies["title"].tolist(),
        "genres": movies["genres"].tolist(),
        **{name: _optional(movies[name]) for name in ("year", "imdb_id", "tmdb_id")},
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def rating_chunks(
    ratings: pd.DataFrame, user_ids: NDArray[np.int64], imported_at: int
) -> Iterator[Ratings]:
    """Yield the ratings in chunks, ordered by user and movie: so the table grows at its end."""
    movie_ids, stars = ratings["movie_id"].to_numpy(), ratings["stars"].to_numpy()
    given_at = ratings["rated_at"].to_numpy()
    order = np.lexsort((movie_ids, user_ids))
    for begin in range(0, len(order), CHUNK):
        rows = order[begin : begin + CHUNK]
        rated_at = np.where(given_at[rows] == NO_TIME, imported_at, given_at[rows])
        yield Ratings(
            user_ids[rows],
            movie_ids[rows],
            # 3.7 as float32 is 3.7000000477 as float64, which a threshold would distinguish.
            stars[rows].astype(np.float64).round(4),
            # No rating of a file was given after its import, whatever its timestamp.
            np.minimum(rated_at, imported_at),
        )


def _optional(column: pd.Series[Any]) -> list[Any]:
    """Values of a column with None for what is missing."""
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values

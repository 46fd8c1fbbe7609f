"""Converts the tables of a release to rows and columns of the database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from app.datasets.merging import Events, Ratings, Seen
from app.events.rule import event_id
from data.release import EVENT_KINDS, NO_TIME

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Rows that are Python objects at one time: 20 MB.
CHUNK = 100_000
# Columns of the tables of a release whose names are those of the database.
SAME_NAMES = (
    "key", "title", "year", "genres", "imdb_id", "tmdb_id", "attributes", "withdrawn",
)  # fmt: skip
WINDOW = ("available_from", "available_until")


def movie_rows(movies: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row per movie, with `titled`: whether the title is more than the key."""
    nothing = [None] * len(movies)
    columns = {name: _optional(movies[name]) if name in movies else nothing for name in SAME_NAMES}
    columns["id"] = movies["movie_id"].tolist()
    for name in WINDOW:
        seconds = _optional(movies[name]) if name in movies else nothing
        columns[name] = [None if at is None else datetime.fromtimestamp(at, UTC) for at in seconds]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return [{**row, "titled": is_titled(row)} for row in rows]


def is_titled(movie: Mapping[str, Any]) -> bool:
    """Tell whether the title of a movie is more than what stands for a missing one."""
    key = movie["key"]
    return bool(movie["title"] != (f"Movie {movie['id']}" if key is None else key))


def rating_chunks(ratings: pd.DataFrame, imported_at: int) -> Iterator[Ratings]:
    """Yield the ratings in chunks, ordered by user and movie: so the table grows at its end.

    `ratings` has `user_id` in place of the key.
    """
    stars = ratings["stars"].to_numpy(dtype=np.float64, na_value=np.nan)
    liked = np.full(len(ratings), -1, dtype=np.int16)
    if "liked" in ratings:
        liked = ratings["liked"].to_numpy(dtype=np.int16, na_value=-1)
    for rows in _chunks(ratings):
        times, timed = _times(ratings["rated_at"].to_numpy()[rows], imported_at)
        given = np.isfinite(stars[rows])
        yield Ratings(
            user_ids=ratings["user_id"].to_numpy()[rows],
            movie_ids=ratings["movie_id"].to_numpy(dtype=np.int64)[rows],
            # 3.7 as float32 is 3.7000000477 as float64, which a threshold would distinguish.
            stars=np.where(given, stars[rows].round(4), -1.0),
            liked=np.where(given, np.int16(-1), liked[rows]),
            kinds=_kinds(ratings, rows),
            rated_at=times,
            timed=timed,
        )


def seen_chunks(seen: pd.DataFrame, imported_at: int) -> Iterator[Seen]:
    """Yield the movies that were seen or hidden, in chunks ordered by user and movie."""
    for rows in _chunks(seen):
        times, timed = _times(seen["seen_at"].to_numpy()[rows], imported_at)
        yield Seen(
            user_ids=seen["user_id"].to_numpy()[rows],
            movie_ids=seen["movie_id"].to_numpy(dtype=np.int64)[rows],
            hidden=seen["hidden"].to_numpy(dtype=np.int16)[rows],
            seen_at=times,
            timed=timed,
        )


def with_event_ids(events: pd.DataFrame) -> pd.DataFrame:
    """Give an id to each event without one, drop all but the first of each, order them by it.

    The order is that of the table, which grows faster so.
    """
    given = events["event_id"]
    missing = given.isna().to_numpy()
    if missing.any():
        columns = (events[name] for name in ("user", "movie_id", "kind", "value", "occurred_at"))
        rows = zip(*(column[missing].tolist() for column in columns), strict=True)
        made = given.astype(object).to_numpy().copy()
        made[missing] = [
            event_id(str(user), movie_id, kind, None if value != value else value, at)  # noqa: PLR0124 (NaN)
            for user, movie_id, kind, value, at in rows
        ]
        events = events.assign(event_id=made)
    return events.drop_duplicates("event_id").sort_values("event_id", kind="stable")


def event_chunks(events: pd.DataFrame, imported_at: int) -> Iterator[Events]:
    """Yield the events in chunks, in the order of the table."""
    for begin in range(0, len(events), CHUNK):
        part = events.iloc[begin : begin + CHUNK]
        times, _ = _times(part["occurred_at"].to_numpy(), imported_at)
        yield Events(
            begin=begin,
            event_ids=part["event_id"].tolist(),
            user_ids=part["user_id"].tolist(),
            movie_ids=part["movie_id"].tolist(),
            kinds=part["kind"].tolist(),
            values=_optional(part["value"]),
            occurred_at=times.tolist(),
        )


def _chunks(rows: pd.DataFrame) -> Iterator[NDArray[np.intp]]:
    order = np.lexsort((rows["movie_id"].to_numpy(), rows["user_id"].to_numpy()))
    for begin in range(0, len(order), CHUNK):
        yield order[begin : begin + CHUNK]


def _times(
    given: NDArray[np.int64], imported_at: int
) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Return the time of each row, and whether it is that of the file.

    Nothing in a file happened after its import, whatever its timestamp.
    """
    timed = (given != NO_TIME) & (given <= imported_at)
    return np.where(timed, given, imported_at).astype(np.int64), timed.astype(np.int16)


def _kinds(ratings: pd.DataFrame, rows: NDArray[np.intp]) -> NDArray[np.int16]:
    """Return the place of each `implied_by` in `EVENT_KINDS`, -1 for an opinion that was given."""
    kinds = np.full(len(rows), -1, dtype=np.int16)
    if "implied_by" in ratings:
        implied = ratings["implied_by"].to_numpy(dtype=object)[rows]
        for place, kind in enumerate(EVENT_KINDS):
            kinds[implied == kind] = place
    return kinds


def _optional(column: pd.Series[Any]) -> list[Any]:
    """Values of a column with None for what is missing."""
    values: list[Any] = column.astype(object).where(column.notna(), None).tolist()
    return values

"""Writes the users, events and ratings of a release within the transaction of its import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.datasets import frames, merging, repository
from app.datasets.merging import NOTHING, Written
from app.db.tables import events, ratings, seen_movies
from app.events.rule import Rule, derive
from data.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from data.release import Release

Chunk = TypeVar("Chunk")


@dataclass(slots=True)
class Writing:
    """What was written so far; with `overwrite`, what wins over a stored rating takes its place."""

    connection: Connection
    release: Release
    imported_at: int
    overwrite: bool
    report: Progress
    ratings: Written = NOTHING
    seen: Written = NOTHING
    n_events_new: int = 0

    def write(self, rule: Rule) -> None:
        """Write users, ratings, events (with ids), and what follows from those that are new."""
        if self.release.events is None:
            (given,) = self._with_user_ids([self.release.ratings])
            self._write_ratings(given, "ratings")
            return
        parts = [self.release.ratings, self.release.events]
        given, happened = self._with_user_ids(parts)
        self._write_ratings(given, "ratings")
        opinions, seen = derive(self._write_events(happened), rule)
        self._write_ratings(opinions.rename(columns={"user": "user_id"}), "opinions")
        self._write_seen(seen.rename(columns={"user": "user_id"}))

    def _with_user_ids(self, parts: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
        """Add the users, and give their ids to these rows."""
        coded = [part["user"].factorize() for part in parts]
        keys = list(dict.fromkeys(str(user) for _, users in coded for user in users))
        stored = repository.put_users(self.connection, keys, self.release.name)
        ids = dict(zip(keys, stored, strict=True))

        def ids_of(codes: NDArray[np.intp], users: Iterable[Any]) -> NDArray[np.int64]:
            return np.array([ids[str(user)] for user in users], dtype=np.int64)[codes]

        pairs = zip(parts, coded, strict=True)
        return [part.assign(user_id=ids_of(*its_users)) for part, its_users in pairs]

    def _write_events(self, happened: pd.DataFrame) -> pd.DataFrame:
        """Write the events; return those that were new, with their users by id."""
        new: list[int] = []
        with merging.bulk(self.connection, events, len(happened)):
            for chunk in self._chunks("events", frames.event_chunks, happened):
                new += merging.merge_events(self.connection, chunk)
        self.n_events_new = len(new)
        # In the order of the file again: of two at the same time the one further behind counts.
        rows = happened.iloc[new].sort_index()
        return rows.assign(user=rows["user_id"])

    def _write_ratings(self, rated: pd.DataFrame, stage: str) -> None:
        with merging.bulk(self.connection, ratings, len(rated)):
            for chunk in self._chunks(stage, frames.rating_chunks, rated):
                written = merging.merge_ratings(self.connection, chunk, overwrite=self.overwrite)
                self.ratings = self.ratings.plus(written)

    def _write_seen(self, seen: pd.DataFrame) -> None:
        with merging.bulk(self.connection, seen_movies, len(seen)):
            for chunk in self._chunks("seen movies", frames.seen_chunks, seen):
                self.seen = self.seen.plus(merging.merge_seen(self.connection, chunk))

    def _chunks(
        self,
        stage: str,
        chunks: Callable[[pd.DataFrame, int], Iterable[Chunk]],
        rows: pd.DataFrame,
    ) -> Iterator[Chunk]:
        """Yield the rows in chunks, and report how many are written."""
        n_done, total = 0, len(rows)
        if total:
            self.report(stage, n_done, total)
        for chunk in chunks(rows, self.imported_at):
            yield chunk
            n_done = min(n_done + frames.CHUNK, total)
            self.report(stage, n_done, total)

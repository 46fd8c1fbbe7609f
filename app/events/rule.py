"""The rule that turns events into opinions and seen movies; the same for the API and for files."""

from __future__ import annotations

from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.config import EVENT_CLAUSE

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

# What users say themselves: opinions of these kinds win over implied ones. Of all other kinds the
# rule says what they imply.
GIVEN = ("rated", "liked", "disliked", "seen", "hidden")

Indices = NDArray[np.intp]


class Meaning(IntEnum):
    """What follows from an event; an event that is `SEEN` or `HIDDEN` is no opinion."""

    NOTHING = 0
    LIKE = 1
    DISLIKE = 2
    STARS = 3
    SEEN = 4
    HIDDEN = 5


OPINIONS = (Meaning.LIKE, Meaning.DISLIKE, Meaning.STARS)
SIGHTINGS = (Meaning.SEEN, Meaning.HIDDEN)
FIXED = {
    "rated": Meaning.STARS,
    "liked": Meaning.LIKE,
    "disliked": Meaning.DISLIKE,
    "seen": Meaning.SEEN,
    "hidden": Meaning.HIDDEN,
}


class Clause(NamedTuple):
    """What one kind implies, for shares from `from_share` on and below `below_share`."""

    kind: str
    from_share: float
    below_share: float
    meaning: Meaning

    @classmethod
    def of(cls, text: str) -> Clause:
        """Read `kind=meaning`, `watched>=share=meaning` or `watched<share=meaning`."""
        found = EVENT_CLAUSE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text} is no clause of a rule of events")
        share = float(found["share"] or 0)
        bounds = (0.0, share) if found["sign"] == "<" else (share, float("inf"))
        return cls(found["kind"] or "watched", *bounds, Meaning[found["meaning"].upper()])


class Rule(NamedTuple):
    """Clauses, of which the first that fits counts; where none fits, nothing is implied."""

    clauses: tuple[Clause, ...] = ()

    @classmethod
    def of(cls, texts: Iterable[str]) -> Rule:
        """Read the clauses of the setting `event_rule`."""
        return cls(tuple(Clause.of(text) for text in texts))

    def meanings(self, kinds: NDArray[np.object_], values: NDArray[np.float64]) -> NDArray[np.int8]:
        """Return the `Meaning` of each event; a share that is not given (NaN) counts as all."""
        meanings = np.full(len(kinds), Meaning.NOTHING, dtype=np.int8)
        shares = np.where(np.isnan(values), 1.0, values)
        for kind, low, high, meaning in reversed(self.clauses):
            fits = kinds == kind
            if kind == "watched":
                fits &= (shares >= low) & (shares < high)
            meanings[fits] = meaning
        for kind, meaning in FIXED.items():
            meanings[kinds == kind] = meaning
        return meanings


class Movements(NamedTuple):
    """Events of one user with one movie each, column by column; `users` are numbers."""

    users: NDArray[np.int64]
    movies: NDArray[np.int64]
    meanings: NDArray[np.int8]
    given: NDArray[np.bool_]
    times: NDArray[np.int64]

    def opinions(self) -> Indices:
        """Return the event that decides the rating of each user and movie.

        Given opinions win over implied ones, later ones over earlier ones, and of two at the same
        time the one further behind.
        """
        rows = np.flatnonzero(np.isin(self.meanings, OPINIONS))
        order, last = self._grouped(rows, self.given)
        return order[last]

    def seen(self) -> tuple[Indices, NDArray[np.bool_]]:
        """Return the latest event by which each movie was seen or hidden, and whether it is hidden.

        A movie that was hidden once stays hidden.
        """
        rows = np.flatnonzero(np.isin(self.meanings, SIGHTINGS))
        order, last = self._grouped(rows, np.zeros_like(self.given))
        n_hidden = np.cumsum(self.meanings[order] == Meaning.HIDDEN)[last]
        return order[last], np.diff(n_hidden, prepend=0) > 0

    def _grouped(self, rows: Indices, weight: NDArray[np.bool_]) -> tuple[Indices, Indices]:
        """Order rows by user, movie, weight and time; also return the last of each user and movie.

        Rows that are equal in all stay in their order.
        """
        keys = (self.times, weight, self.movies, self.users)  # the last one comes first
        order = rows[np.lexsort([column[rows] for column in keys])]
        users, movies = self.users[order], self.movies[order]
        is_last = np.ones(len(order), dtype=np.bool_)
        is_last[:-1] = (users[1:] != users[:-1]) | (movies[1:] != movies[:-1])
        return order, np.flatnonzero(is_last)


def derive(events: pd.DataFrame, rule: Rule) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Turn the events of a file into opinions and seen movies, at most one per user and movie.

    `events` is that of a `Release`. The first result has user, movie_id, stars (float32, NaN for a
    like or dislike), liked ("boolean", missing with stars), rated_at, and implied_by (the kind of
    the event, None for an opinion that was given); the second user, movie_id, hidden and seen_at.
    """
    from pandas import Series  # noqa: PLC0415 (takes a second; the service does without)

    kinds = events["kind"].to_numpy(dtype=object)
    values = events["value"].to_numpy(dtype=np.float64)
    movements = Movements(
        users=events["user"].factorize()[0],
        movies=events["movie_id"].to_numpy(dtype=np.int64),
        meanings=rule.meanings(kinds, values),
        given=np.isin(kinds.astype(str), GIVEN),
        times=events["occurred_at"].to_numpy(dtype=np.int64),
    )
    rows = movements.opinions()
    meanings, given = movements.meanings[rows], movements.given[rows]
    is_stars = meanings == Meaning.STARS
    opinions = events[["user", "movie_id"]].iloc[rows].reset_index(drop=True)
    opinions["stars"] = np.where(is_stars, values[rows], np.nan).astype(np.float32)
    opinions["liked"] = meanings == Meaning.LIKE
    opinions["liked"] = opinions["liked"].astype("boolean").mask(is_stars)
    opinions["rated_at"] = movements.times[rows]
    implied_by = kinds[rows]
    implied_by[given] = None
    opinions["implied_by"] = Series(implied_by, dtype=object)  # or None would become NaN
    latest, hidden = movements.seen()
    seen = events[["user", "movie_id"]].iloc[latest].reset_index(drop=True)
    return opinions, seen.assign(hidden=hidden, seen_at=movements.times[latest])


def event_id(user: str, movie_id: int, kind: str, value: float | None, occurred_at: int) -> str:
    """Return the id of an event that came without one: the same event has the same id."""
    parts = (user, str(movie_id), kind, "" if value is None else repr(float(value)))
    text = "\n".join((*parts, str(occurred_at)))
    return blake2b(text.encode(), digest_size=16).hexdigest()

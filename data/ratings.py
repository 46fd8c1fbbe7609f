"""Ratings and events as checked columns, from blocks of rows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data import columns
from data.columns import IGNORED_ROW, Checked, Vocabulary
from data.movie_keys import MovieKey, movie_id, movie_key
from data.release import EVENT_KINDS, DatasetError
from data.rules import shown
from data.stars import PLAIN, StarScale, number
from data.times import no_times, unix_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from data.bad_rows import BadRows
    from data.salvage import Block

__all__ = ["LogBuilder", "LogRules", "no_ratings"]

Given = dict[str, "pa.Array[Any]"]
Bad = NDArray[np.bool_]

# Only numbers whose text can be restored exactly.
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_RATED, _WATCHED = EVENT_KINDS.index("rated"), EVENT_KINDS.index("watched")


@dataclass(frozen=True, slots=True)
class LogRules:
    """What the values of a log may be.

    Parameters
    ----------
    user, movie : callable
        Say why a text is no key, None if it is one.
    times : callable
        Returns the Unix seconds of a column, and which are wrong.
    time_meaning : str
        What a time is, for messages.
    scale : StarScale
        How ratings become stars.
    parse : callable
        Returns the number that a text stands for.
    kind : str, optional
        What every row is.
    kinds : dict
        What the kinds of the file's own mean.
    latest_wins : bool
        Whether of several ratings of a user and movie the latest is taken; else they are an error.
    """

    user: Callable[[str], str | None]
    movie: Callable[[str], str | None]
    times: Callable[[pa.Array[Any]], Checked] = unix_seconds
    time_meaning: str = "time in Unix seconds"
    scale: StarScale = PLAIN
    parse: Callable[[str], float] = number
    kind: str | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    latest_wins: bool = False


class LogBuilder:
    """Collects the checked columns of all blocks.

    Parameters
    ----------
    label : str
        Name of the file in error messages.
    place : callable
        Returns the place of a row (counted from 0) in the file, as in ``"line 7"``.
    rules : LogRules
        What its values may be.
    bad_rows : BadRows, optional
        Takes bad rows, which are left out; without it, the first one is an error.
    unit : str
        What counts the rows: ``"line"`` or ``"row"``.
    """

    def __init__(
        self,
        label: str,
        place: Callable[[int], str],
        rules: LogRules,
        bad_rows: BadRows | None = None,
        unit: str = "line",
    ) -> None:
        self.label = label
        self._unit = unit
        self.n_rows = 0
        self._place = place
        self._rules = rules
        self._bad_rows = bad_rows
        self._users, self._movies = Vocabulary(rules.user), Vocabulary(rules.movie)
        self._movie_ids: list[int] = []
        self._columns: dict[str, list[NDArray[Any]]] = {}

    def extend(self, blocks: Iterable[Block]) -> None:
        """Check and add blocks with columns of `data.columns.ARROW_TYPES`.

        Raises
        ------
        DatasetError
            A row with a missing or wrong value, where bad rows are not taken.
        """
        for block in blocks:
            checked = self._checked(block.batch)
            keep = np.ones(block.batch.num_rows, dtype=np.bool_)
            for _, bad in checked.values():
                keep &= ~bad
            keep[list(block.broken)] = False
            rows = np.arange(self.n_rows, self.n_rows + len(keep))
            if not keep.all():
                self._reject(block, keep, {role: bad for role, (_, bad) in checked.items()})
            if "kind" in checked:
                keep &= checked["kind"][0] != IGNORED_ROW
            kept = slice(None) if keep.all() else keep
            if "kind" not in checked and not self._rules.latest_wins:
                users, movies = checked["user"][0][kept], checked["movie"][0][kept]
                self._refuse_repeat(users, movies, rows[kept])
            for role, (values, _) in checked.items():
                self._columns.setdefault(role, []).append(values[kept])
            if self._bad_rows is not None:
                self._columns.setdefault("row", []).append(rows[kept])
            self.n_rows += len(keep)

    def finish(self) -> tuple[pd.DataFrame, pd.DataFrame | None]:
        """Return all ratings and events as `data.release.Release` describes them.

        Raises
        ------
        DatasetError
            No row at all, or the same pair of user and movie twice.
        """
        if not any(map(len, self._columns.get("user", []))):
            raise DatasetError(f"{self.label} holds no rating")
        found = {role: np.concatenate(self._columns.pop(role)) for role in list(self._columns)}
        return (
            (no_ratings(), self._events(found)) if "kind" in found else (self._ratings(found), None)
        )

    def _ratings(self, found: dict[str, NDArray[Any]]) -> pd.DataFrame:
        if not self._rules.latest_wins:
            rows = found.get("row", np.arange(len(found["user"])))
            self._refuse_repeat(found["user"], found["movie"], rows)
        else:
            latest = _latest(found["user"], found["movie"], found["timestamp"])
            found = {role: values[latest] for role, values in found.items()}
        frame = {
            "user": self._user_values(found["user"]),
            "movie_id": self._movie_values(found["movie"]),
            "stars": found["rating"],
            "rated_at": found["timestamp"],
        }
        if "liked" in found and (found["liked"] >= 0).any():
            unknown = (found["liked"] < 0) | ~np.isnan(found["rating"])
            frame["liked"] = pd.arrays.BooleanArray(found["liked"] == 1, unknown)
        return pd.DataFrame(frame, copy=False)

    def _events(self, found: dict[str, NDArray[Any]]) -> pd.DataFrame:
        event_ids = found.get("event_id", np.full(len(found["user"]), None, dtype=object))
        return pd.DataFrame(
            {
                "event_id": pd.Series(event_ids, dtype=object),
                "user": self._user_values(found["user"]),
                "movie_id": self._movie_values(found["movie"]),
                "kind": pd.Series(np.array(EVENT_KINDS, dtype=object)[found["kind"]], dtype=object),
                "value": found["value"],
                "occurred_at": found["timestamp"],
            },
            copy=False,
        )

    def keys_of_rated(self, rows: pd.DataFrame) -> list[MovieKey]:
        """Return the key of each movie in these ratings or events, by rising id."""
        return self.keys_of(np.unique(rows["movie_id"]))

    def keys_of(self, movie_ids: NDArray[Any]) -> list[MovieKey]:
        """Return the key of each of these movies of the log."""
        key_of = dict(zip(self._ids().tolist(), self._movies.keys(), strict=True))
        return [movie_key(key_of[wanted]) for wanted in movie_ids.tolist()]

    def _checked(self, batch: pa.RecordBatch) -> dict[str, Checked]:
        given: Given = dict(zip(batch.schema.names, batch.columns, strict=True))
        checked = {
            "user": self._users.checked(given["user"]),
            "movie": self._movies.checked(given["movie"]),
        }
        if self._rules.kind is not None or "kind" in given:
            checked |= self._checked_events(given, batch.num_rows)
        else:
            checked |= self._checked_opinions(given, batch.num_rows)
        if "timestamp" in given:
            checked["timestamp"] = self._rules.times(given["timestamp"])
        else:
            checked["timestamp"] = no_times(batch.num_rows)
        return checked

    def _checked_opinions(self, given: Given, n_rows: int) -> dict[str, Checked]:
        stars = self._stars(given.get("rating"), n_rows)
        bad = np.isnan(stars)
        checked = {}
        if "liked" in given:
            checked["liked"] = liked, _ = columns.likes(given["liked"])
            bad &= ~(_missing(given.get("rating"), n_rows) & (liked >= 0))
        return checked | {"rating": (stars.astype(np.float32), bad)}

    def _checked_events(self, given: Given, n_rows: int) -> dict[str, Checked]:
        if self._rules.kind is None:
            kinds, bad_kinds = columns.kinds(given["kind"], self._rules.kinds)
        else:
            kinds = np.full(n_rows, EVENT_KINDS.index(self._rules.kind), dtype=np.int8)
            bad_kinds = np.zeros(n_rows, dtype=np.bool_)
        values = np.full(n_rows, np.nan)
        rated, watched = kinds == _RATED, kinds == _WATCHED
        if rated.any():
            values[rated] = self._stars(given.get("rating", given.get("value")), n_rows)[rated]
        bad = rated & np.isnan(values)
        if watched.any() and "value" in given:
            shares = columns.numbers(given["value"], self._rules.parse)
            values[watched] = shares[watched]
            wrong = ~((shares >= 0) & (shares <= 1)) & ~_missing(given["value"], n_rows)
            bad |= watched & wrong
        checked = {"kind": (kinds, bad_kinds), "value": (values, bad)}
        if "event_id" in given:
            checked["event_id"] = columns.event_ids(given["event_id"])
        return checked

    def _stars(self, column: pa.Array[Any] | None, n_rows: int) -> NDArray[np.float64]:
        if column is None:
            return np.full(n_rows, np.nan)
        return columns.numbers(column, self._rules.parse, self._rules.scale.stars)

    def _reject(self, block: Block, keep: NDArray[np.bool_], bad: dict[str, Bad]) -> None:
        """Give the rows that are not kept to `bad_rows`, or raise the first one's error."""
        given: Given = dict(zip(block.batch.schema.names, block.batch.columns, strict=True))

        def reason(row: int) -> str:
            if row in block.broken:
                return block.broken[row]
            return self._complaint(next(role for role in bad if bad[role][row]), given, row)

        rows = np.flatnonzero(~keep).tolist()
        if self._bad_rows is None:
            place = self._place(self.n_rows + rows[0])
            raise DatasetError(f"{self.label}, {place}: {reason(rows[0])}")
        located = block.located()
        bad_rows = ((located[row][0], reason(row), located[row][1]) for row in rows)
        self._bad_rows.add(self.label, self._unit, bad_rows)

    def _complaint(self, role: str, given: Given, row: int) -> str:
        if role == "value" and self._is_rated(given, row):
            role = "rating"
        column = given.get(role, given.get("value"))
        value = None if column is None else column[row].as_py()
        if value is None or value == "":
            return f"the {role} is missing"
        return self._fault(role, str(value))

    def _fault(self, role: str, text: str) -> str:
        if role in ("user", "movie"):
            key_complaint = self._rules.user if role == "user" else self._rules.movie
            return key_complaint(text) or f"{shown(text)} is wrong"
        if role == "rating":
            what = "no number of stars" if np.isnan(self._rules.parse(text)) else "out of range"
            return f"{shown(text)} is {what} ({self._rules.scale})"
        meanings = {
            "liked": "like or dislike (true or false)",
            "kind": f"kind of event ({', '.join(EVENT_KINDS)}): a mapping can say what it means",
            "value": "share from 0 to 1",
            "event_id": "id of an event",
            "timestamp": self._rules.time_meaning,
        }
        return f"{shown(text)} is no {meanings[role]}"

    def _is_rated(self, given: Given, row: int) -> bool:
        if self._rules.kind is not None:
            return self._rules.kind == "rated"
        return bool(columns.kinds(given["kind"], self._rules.kinds)[0][row] == _RATED)

    def _refuse_repeat(
        self, users: NDArray[np.int32], movies: NDArray[np.int32], rows: NDArray[np.int64]
    ) -> None:
        """Raise if two of these rows are of the same user and movie.

        Called for each block too: a file of one repeated line ends in its first one.
        """
        repeat = _first_repeat(users, self._ordered(movies))
        if repeat is not None:
            first, second = repeat
            user, movie = self._users.keys()[users[second]], self._movies.keys()[movies[second]]
            raise DatasetError(
                f"{self.label}, {self._place(rows[second])}: user {user} rates movie "
                f"{movie} again, after {self._place(rows[first])}"
            )

    def _ordered(self, movies: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the ids where all are numbers, since releases are sorted by these."""
        ids = self._ids()
        return ids[movies] if (ids >= 0).all() else movies.astype(np.int64)

    def _ids(self) -> NDArray[np.int64]:
        """Return the id of each movie by its number; of wrong ones 0."""
        for text in islice(self._movies.number, len(self._movie_ids), None):
            good = self._movies.is_good(text)
            self._movie_ids.append(movie_id(movie_key(text)) if good else 0)
        return np.array(self._movie_ids, dtype=np.int64)

    def _movie_values(self, numbers: NDArray[np.int32]) -> NDArray[Any]:
        used = np.flatnonzero(np.bincount(numbers))
        ids = self._ids()
        if len(np.unique(ids[used])) < len(used):
            raise DatasetError(f"{self.label}: two of its movies have the same id")
        return ids.astype(np.int32 if (ids[used] > 0).all() else np.int64)[numbers]

    def _user_values(self, numbers: NDArray[np.int32]) -> Any:
        keys = self._users.keys()
        used = (
            np.arange(len(keys)) if self._bad_rows is None else np.flatnonzero(np.bincount(numbers))
        )
        if all(_PLAIN_NUMBER.fullmatch(keys[number]) for number in used):
            wide = np.zeros(len(keys), dtype=np.int64)
            wide[used] = [int(keys[number]) for number in used]
            return wide.astype(np.int32 if wide.max() < 2**31 else np.int64)[numbers]
        # Large strings: 64-bit offsets, since the text of all rows may pass 2 GB.
        texts = pa.array(keys, pa.large_string()).take(pa.array(numbers, pa.int32()))
        return pd.Series(texts.to_pandas(), dtype="str")


def no_ratings() -> pd.DataFrame:
    """Return the ratings of a file that holds none."""
    return pd.DataFrame(
        {
            "user": pd.Series([], dtype="str"),
            "movie_id": np.array([], dtype=np.int32),
            "stars": np.array([], dtype=np.float32),
            "rated_at": np.array([], dtype=np.int64),
        }
    )


def _missing(column: pa.Array[Any] | None, n_rows: int) -> Bad:
    return np.ones(n_rows, dtype=np.bool_) if column is None else columns.is_missing(column)


def _first_repeat(users: NDArray[np.int32], movies: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the rows of the first repeated pair of user and movie, None if there is none."""
    pairs = users.astype(np.int64) << 32 | movies
    if (pairs[1:] > pairs[:-1]).all():  # sorted already, as releases are
        return None
    ordered = np.sort(pairs)
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(again) == 0:
        return None
    first_row: dict[int, int] = {}
    for row in np.flatnonzero(np.isin(pairs, again)):
        first = first_row.setdefault(int(pairs[row]), int(row))
        if first != row:
            return first, int(row)
    raise AssertionError  # a repeated pair has a second row


def _latest(
    users: NDArray[np.int32], movies: NDArray[np.int32], times: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Return the latest row of each user and movie, of two at one time the one further behind."""
    pairs = users.astype(np.int64) << 32 | movies
    order = np.lexsort((times, pairs))  # rows that are equal in both stay in their order
    ordered = pairs[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    return np.sort(order[is_last])

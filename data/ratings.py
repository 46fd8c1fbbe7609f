"""Ratings as checked columns, from Arrow record batches.

The fields of a batch are text, each with its vocabulary (Arrow's dictionary encoding). Rules are
applied to the vocabulary, a few thousand values, instead of to every row; for a bad value, the
first row with it is looked up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.release import NO_TIME, DatasetError
from data.rules import (
    MAX_KEY_LENGTH,
    MAX_MOVIE_ID,
    MAX_STARS,
    MAX_TIME,
    MIN_STARS,
    USER_KEY_MEANING,
    USER_KEY_PATTERN,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

__all__ = [
    "ANY_USER",
    "ARROW_TYPES",
    "MOVIELENS_USER",
    "MOVIE_ID",
    "MOVIE_NAMES",
    "RATING_ALIASES",
    "RatingsBuilder",
    "UserRule",
]

MOVIE_ID = r"[1-9][0-9]{0,9}"
# Only numbers whose text can be restored exactly.
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(r"[ \t]*[0-9]{1,12}[ \t]*")

_VOCABULARY = pa.dictionary(pa.int32(), pa.string())
ARROW_TYPES: dict[str, pa.DataType] = {
    "user": _VOCABULARY,
    "movie": _VOCABULARY,
    "stars": _VOCABULARY,
    "rated_at": pa.string(),
}

MOVIE_NAMES = ("movie", "movieid", "mid", "item", "itemid", "film", "filmid")
RATING_ALIASES = {
    "user": ("user", "userid", "uid"),
    "movie": MOVIE_NAMES,
    "stars": ("rating", "stars", "score"),
    "rated_at": ("timestamp", "time", "ratedat", "unixtime"),
}


@dataclass(frozen=True, slots=True)
class UserRule:
    """The form of a user id.

    Parameters
    ----------
    pattern : str
        Regular expression for the whole id, in the syntax that Python and RE2 share.
    meaning : str
        The same in words, for error messages.
    """

    pattern: str
    meaning: str


MOVIELENS_USER = UserRule(r"[1-9][0-9]{0,9}", "a whole number from 1 on")
ANY_USER = UserRule(USER_KEY_PATTERN, USER_KEY_MEANING)


@dataclass(slots=True)
class RatingsBuilder:
    """Collects the checked columns of all batches.

    Parameters
    ----------
    label : str
        Name of the file in error messages.
    place : callable
        Returns the place of a row (counted from 0) in the file, as in ``"line 7"``.
    users : UserRule
        The form of a user id.
    known_movies : int array or None
        Every rating must be of one of these; None allows any.
    """

    label: str
    place: Callable[[int], str]
    users: UserRule
    known_movies: NDArray[np.int32] | None
    _n_ratings: int = 0
    _user_codes: dict[str, int] = field(default_factory=dict)
    _columns: dict[str, list[NDArray[Any]]] = field(
        default_factory=lambda: {"user": [], "movie": [], "stars": [], "rated_at": []}
    )

    def extend(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Check and add batches with the columns of `ARROW_TYPES`; ``rated_at`` is optional.

        Raises
        ------
        DatasetError
            The first row with a missing or wrong value.
        """
        for batch in batches:
            checked: dict[str, tuple[NDArray[Any], NDArray[np.bool_]]] = {
                "user": self._users(batch),
                "movie": self._movies(batch),
                "stars": _stars(batch),
                "rated_at": _times(batch),
            }
            if any(bad.any() for _, bad in checked.values()):
                self._refuse(batch, {role: bad for role, (_, bad) in checked.items()})
            self._refuse_repeat(checked["user"][0], checked["movie"][0], self._n_ratings)
            for role, (values, _) in checked.items():
                self._columns[role].append(values)
            self._n_ratings += batch.num_rows

    def finish(self) -> pd.DataFrame:
        """Return all ratings as `data.release.Release.ratings` describes them.

        Raises
        ------
        DatasetError
            No rating at all, or the same pair of user and movie twice.
        """
        if self._n_ratings == 0:
            raise DatasetError(f"{self.label} holds no rating")
        codes = self._joined("user")
        movies = self._joined("movie")
        self._refuse_repeat(codes, movies, 0)
        return pd.DataFrame(
            {
                "user": _user_values(list(self._user_codes), codes),
                "movie_id": movies,
                "stars": self._joined("stars"),
                "rated_at": self._joined("rated_at"),
            },
            copy=False,
        )

    def _refuse_repeat(
        self, codes: NDArray[np.int32], movies: NDArray[np.int32], begin: int
    ) -> None:
        """Raise if the ratings from row `begin` on, of these users and movies, have a pair twice.

        Called for each batch too: a file of one repeated line ends in its first one.
        """
        repeat = _first_repeat(codes, movies)
        if repeat is not None:
            first, second = repeat
            user = list(self._user_codes)[codes[second]]
            raise DatasetError(
                f"{self.label}, {self.place(begin + second)}: user {user} rates movie "
                f"{movies[second]} again, after {self.place(begin + first)}"
            )

    def _joined(self, role: str) -> NDArray[Any]:
        return np.concatenate(self._columns.pop(role))

    def _users(self, batch: pa.RecordBatch) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Return the position of each user by first appearance, and which ids are invalid."""
        codes, vocabulary = _coded(batch, "user")
        position = self._user_codes
        positions = [position.setdefault(key, len(position)) for key in _texts(vocabulary)]
        bad = ~_matches(vocabulary, self.users.pattern)
        bad |= pc.binary_length(vocabulary).to_numpy(zero_copy_only=False) > MAX_KEY_LENGTH
        return np.array([*positions, -1], dtype=np.int32)[codes], np.append(bad, True)[codes]

    def _movies(self, batch: pa.RecordBatch) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        codes, vocabulary = _coded(batch, "movie")
        matching = _matches(vocabulary, MOVIE_ID)
        ids = pc.if_else(pa.array(matching), vocabulary, "0").cast(pa.int64()).to_numpy()
        bad = ~matching | (ids > MAX_MOVIE_ID)
        if self.known_movies is not None:
            bad |= ~np.isin(ids, self.known_movies)
        ids = np.where(bad, 0, ids)
        return np.append(ids, 0).astype(np.int32)[codes], np.append(bad, True)[codes]

    def _refuse(self, batch: pa.RecordBatch, bad: dict[str, NDArray[np.bool_]]) -> None:
        row, role = min((int(mask.argmax()), role) for role, mask in bad.items() if mask.any())
        value = batch.column(role)[row].as_py()
        place = self.place(self._n_ratings + row)
        raise DatasetError(f"{self.label}, {place}: {self._complaint(role, value)}")

    def _complaint(self, role: str, value: str | int | None) -> str:
        if value is None or value == "":
            return f"the {RATING_ALIASES[role][0]} is missing"
        text = str(value)
        if role == "user":
            return f"{shown(text)} is no user id ({self.users.meaning})"
        if role == "movie":
            if re.fullmatch(MOVIE_ID, text) and int(text) <= MAX_MOVIE_ID:
                return f"movie {text} is not in the list of movies"
            return f"{shown(text)} is no movie id (a whole number from 1 to {MAX_MOVIE_ID})"
        if role == "stars":
            what = "no number of stars" if np.isnan(_number(text)) else "out of range"
            return f"{shown(text)} is {what} ({MIN_STARS} to {MAX_STARS:.0f})"
        return f"{shown(text)} is no time in Unix seconds"


def _coded(batch: pa.RecordBatch, role: str) -> tuple[NDArray[np.int32], pa.StringArray]:
    """Return the codes of the rows (-1, the last index, for missing values) and the vocabulary."""
    column = cast("pa.DictionaryArray[Any, Any]", batch.column(role))
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, cast("pa.StringArray", column.dictionary)


def _texts(vocabulary: pa.StringArray) -> list[str]:
    return cast("list[str]", vocabulary.to_pylist())  # a vocabulary has no missing value


def _matches(vocabulary: pa.StringArray, pattern: str) -> NDArray[np.bool_]:
    found = pc.match_substring_regex(vocabulary, f"^(?:{pattern})$")
    return found.to_numpy(zero_copy_only=False).astype(np.bool_)


def _stars(batch: pa.RecordBatch) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    codes, vocabulary = _coded(batch, "stars")
    stars = np.array([*map(_number, _texts(vocabulary)), np.nan])
    bad = ~((stars >= MIN_STARS) & (stars <= MAX_STARS))
    return np.where(bad, np.nan, stars).astype(np.float32)[codes], bad[codes]


def _number(text: str) -> float:
    """Value of a decimal number, NaN for anything else."""
    return float(text) if _DECIMAL.fullmatch(text) else float("nan")


def _times(batch: pa.RecordBatch) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    if "rated_at" not in batch.schema.names:
        return np.full(batch.num_rows, NO_TIME), np.zeros(batch.num_rows, dtype=np.bool_)
    column = batch.column("rated_at")
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        values = column.to_pylist()
        numbers = pa.array([int(v) if v and _TIME.fullmatch(v) else None for v in values])
    times = numbers.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
    return times, (times < 0) | (times > MAX_TIME)


def _first_repeat(users: NDArray[np.int32], movies: NDArray[np.int32]) -> tuple[int, int] | None:
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


def _user_values(keys: list[str], codes: NDArray[np.int32]) -> Any:
    if all(_PLAIN_NUMBER.fullmatch(key) for key in keys):
        numbers = np.array([int(key) for key in keys])
        return numbers.astype(np.int32 if numbers.max() < 2**31 else np.int64)[codes]
    # Large strings: 64-bit offsets, since the text of all rows may pass 2 GB.
    texts = pa.array(keys, pa.large_string()).take(pa.array(codes, pa.int32()))
    return pd.Series(texts.to_pandas(), dtype="str")

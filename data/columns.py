"""The columns of a log, checked and as numbers.

The fields of a batch are text, each column with its vocabulary (Arrow's dictionary encoding). Rules
are applied to the vocabulary, a few thousand values, instead of to every row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.movie_keys import movie_id, movie_key
from data.release import EVENT_KINDS
from data.rules import MAX_MOVIE_ID, USER_KEY_MEANING, flaw, is_user_key, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from numpy.typing import NDArray

__all__ = [
    "ARROW_TYPES",
    "IGNORED_ROW",
    "MOVIE_NAMES",
    "Checked",
    "Vocabulary",
    "any_movie",
    "any_user",
    "event_ids",
    "is_missing",
    "kinds",
    "likes",
    "movielens_user",
    "numbered_movie",
    "numbers",
]

VOCABULARY = pa.dictionary(pa.int32(), pa.string())
ARROW_TYPES: dict[str, pa.DataType] = {
    "user": VOCABULARY,
    "movie": VOCABULARY,
    "rating": VOCABULARY,
    "liked": VOCABULARY,
    "timestamp": pa.string(),
    "kind": VOCABULARY,
    "value": VOCABULARY,
    "event_id": pa.string(),
}
MOVIE_NAMES = ("movie", "movieid", "mid", "item", "itemid", "film", "filmid")
MOVIELENS_ID = re.compile(r"[1-9][0-9]{0,9}")
MAX_EVENT_ID_LENGTH = 100
_PLAIN_EVENT_ID = rf"^[!-~]{{1,{MAX_EVENT_ID_LENGTH}}}$"
_LIKES = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0", "like", "liked"), 1),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0", "-1", "dislike", "disliked"), 0),
}
IGNORED_ROW = -1

Checked = tuple["NDArray[Any]", "NDArray[np.bool_]"]
"""Value of each row, and which of them are missing or wrong, two arrays of shape (n_rows,)."""


def movielens_user(text: str) -> str | None:
    """Say why a text is no user of MovieLens, None if it is one."""
    if MOVIELENS_ID.fullmatch(text):
        return None
    return f"{shown(text)} is no user id (a whole number from 1 on)"


def any_user(text: str) -> str | None:
    """Say why a text is no key of a user, None if it is one."""
    return None if is_user_key(text) else f"{shown(text)} is no user key ({USER_KEY_MEANING})"


def numbered_movie(known: Container[int]) -> Callable[[str], str | None]:
    """Return what says why a text is no id of a known movie."""

    def complaint(text: str) -> str | None:
        if not MOVIELENS_ID.fullmatch(text) or int(text) > MAX_MOVIE_ID:
            return f"{shown(text)} is no movie id (a whole number from 1 to {MAX_MOVIE_ID})"
        return None if int(text) in known else f"movie {text} is not in the list of movies"

    return complaint


def any_movie(known: Container[int] | None) -> Callable[[str], str | None]:
    """Return what says why a text is no key of a known movie, or of any where `known` is None."""

    def complaint(text: str) -> str | None:
        try:
            key = movie_key(text)
        except ValueError as error:
            return str(error)
        if known is None or movie_id(key) in known:
            return None
        return f"movie {text} is not in the list of movies"

    return complaint


@dataclass(slots=True)
class Vocabulary:
    """The keys of a column, numbered by first appearance; each is checked once.

    Parameters
    ----------
    complaint : callable
        Says why a text is no key, None if it is one.
    """

    complaint: Callable[[str], str | None]
    number: dict[str, int] = field(default_factory=dict)
    _bad: bytearray = field(default_factory=bytearray)

    def checked(self, column: pa.Array[Any]) -> Checked:
        """Return the number of each row's key, int32, and which are missing or wrong."""
        codes, texts = coded(column)
        number = self.number
        n_before = len(number)
        numbers = [number.setdefault(text, len(number)) for text in texts]
        for text in islice(number, n_before, None):
            self._bad.append(self.complaint(text) is not None)
        values = np.array([*numbers, -1], dtype=np.int32)
        is_bad = np.append(np.frombuffer(bytes(self._bad), dtype=np.bool_), True)
        return values[codes], is_bad[values][codes]

    def is_good(self, text: str) -> bool:
        """Tell whether a key that was there is one."""
        return not self._bad[self.number[text]]

    def keys(self) -> list[str]:
        """Return all keys by their number, wrong ones too."""
        return list(self.number)


def coded(column: pa.Array[Any]) -> tuple[NDArray[np.int32], list[str]]:
    """Return the codes of the rows (-1, the last index, for missing values) and the vocabulary."""
    column = cast("pa.DictionaryArray[Any, Any]", column)
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, cast("list[str]", column.dictionary.to_pylist())


def is_missing(column: pa.Array[Any]) -> NDArray[np.bool_]:
    """Tell which rows have no value, or an empty one."""
    codes, texts = coded(column)
    return np.array([*(text == "" for text in texts), True])[codes]


def numbers(
    column: pa.Array[Any],
    parse: Callable[[str], float],
    convert: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.asarray,
) -> NDArray[np.float64]:
    """Return the number of each row, converted; NaN for what is missing or none."""
    codes, texts = coded(column)
    return convert(np.array([*map(parse, texts), np.nan], dtype=np.float64))[codes]


def likes(column: pa.Array[Any]) -> Checked:
    """Return 1 for a like, 0 for a dislike and -1 for neither, int8, and which are wrong."""
    codes, texts = coded(column)
    values = np.array([*(_LIKES.get(text.strip().lower(), -1) for text in texts), -1], np.int8)
    wrong = (values < 0) & np.array([*(text != "" for text in texts), False])
    return values[codes], wrong[codes]


def kinds(column: pa.Array[Any], meanings: dict[str, str]) -> Checked:
    """Return the place of each row's kind in `EVENT_KINDS`, int8, `IGNORED_ROW` for others.

    Parameters
    ----------
    column : DictionaryArray
    meanings : dict
        What the kinds of the file's own mean, ``"ignored"`` for rows that are left out.
    """
    codes, texts = coded(column)
    place = {kind: at for at, kind in enumerate(EVENT_KINDS)}
    named = [meanings.get(text) or (text.lower() if text else "") for text in texts]
    values = np.array([*(place.get(kind, IGNORED_ROW) for kind in named), IGNORED_ROW], np.int8)
    wrong = np.array([*(kind not in place and kind != "ignored" for kind in named), True])
    return values[codes], wrong[codes]


def event_ids(column: pa.Array[Any]) -> Checked:
    """Return the id of each row, object, None where it has none, and which are wrong."""
    values = column.to_numpy(zero_copy_only=False).astype(object)
    plain = pc.match_substring_regex(column, _PLAIN_EVENT_ID)
    wrong = ~pc.if_else(pc.is_valid(plain), plain, pa.scalar(value=True)).to_numpy(
        zero_copy_only=False
    ).astype(np.bool_)
    for row in np.flatnonzero(wrong):
        text = values[row]
        wrong[row] = flaw(text, MAX_EVENT_ID_LENGTH) is not None or text != text.strip()
    values[values == ""] = None
    return values, wrong

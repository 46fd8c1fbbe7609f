"""The key of a movie, by which clients know it, and its id, by which tables and arrays do.

A key is a whole number from 1 to 2^31 - 1, as MovieLens has them, or any other text. Its id follows
from it alone, so a model, a back-up or a checkpoint fits every database with the same movies.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from data.rules import MAX_MOVIE_ID, MOVIE_KEY_MEANING, is_movie_key, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = [
    "MAX_ID_BITS",
    "MovieKey",
    "movie_id",
    "movie_ids",
    "movie_key",
    "public_key",
    "stored_key",
]

MovieKey = int | str

# Twice an id, plus one, is an int64. Two of a million keys share an id with probability 2e-7.
MAX_ID_BITS = 61
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


def movie_key(text: MovieKey) -> MovieKey:
    """Return the one form of a key: whole numbers as int, all else as str.

    Parameters
    ----------
    text : str or int
        ``"42"`` and ``42`` are the same key; ``"042"`` and ``"4e1"`` are texts.

    Raises
    ------
    ValueError
        It is no key; the message names it.
    """
    written = str(text)
    if _NUMBER.fullmatch(written) and int(written) <= MAX_MOVIE_ID:
        return int(written)
    if isinstance(text, int) or not is_movie_key(written):
        raise ValueError(f"{shown(written)} is no movie key ({MOVIE_KEY_MEANING})")
    return written


def movie_id(key: MovieKey) -> int:
    r"""Return the id of a movie: ``key`` itself if it is a number, else a negative hash.

    The hash is :math:`-1 - \lfloor h / 8 \rfloor` with ``h`` the BLAKE2b of 8 bytes, big-endian, of
    the key in UTF-8: from :math:`-2^{61}` to -1. `key` must be in the form of `movie_key`.
    """
    if isinstance(key, int):
        return key
    hashed = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
    return -1 - (hashed >> (64 - MAX_ID_BITS))


def movie_ids(keys: Iterable[MovieKey]) -> NDArray[np.int64]:
    """Return the id of each key, shape (n_keys,); see `movie_id`."""
    return np.fromiter((movie_id(key) for key in keys), dtype=np.int64)


def stored_key(key: MovieKey) -> str | None:
    """Return what a table holds beside the id: the text, None for a number, which is its own id."""
    return key if isinstance(key, str) else None


def public_key(movie_id: int, stored: str | None) -> MovieKey:
    """Return the key of a movie from what a table holds; the inverse of `stored_key`."""
    return movie_id if stored is None else stored

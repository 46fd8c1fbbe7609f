"""The first movies for some ratings, as the service ranks them; behind `RBM.recommend`.

NumPy alone, for serving.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data.movie_keys import movie_id, movie_key
from model.scoring import rank, score_user

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from data.movie_keys import MovieKey
    from model.rbm import RBM

__all__ = ["Recommended", "recommend"]


class Recommended(NamedTuple):
    """A movie of a list.

    Parameters
    ----------
    movie_id : int
        As in ``rbm.movie_ids``.
    like : float
        P(like): that the user will see and like it. It orders the list.
    like_given_seen : float
        P(like | seen): that the user would like it once seen.
    """

    movie_id: int
    like: float
    like_given_seen: float


def recommend(rbm: RBM, ratings: Mapping[Any, bool], n: int) -> list[Recommended]:
    """Return the first n movies; see `RBM.recommend`."""
    if n < 0:
        raise ValueError(f"n is {n}, and must not be negative")
    rows, liked = _known(rbm, ratings)
    like, given_seen = score_user(rbm, rows, liked)
    best = rank(like, rbm.movie_ids, exclude=rows, limit=n)
    columns = (rbm.movie_ids[best], like[best], given_seen[best])
    return [Recommended(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def _known(rbm: RBM, ratings: Mapping[Any, bool]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rows, rising, and likes of the rated movies that the machine knows."""
    row_of = {id_: row for row, id_ in enumerate(rbm.movie_ids.tolist())}
    known: dict[int, bool] = {}
    for movie, liked in ratings.items():
        if liked not in (0, 1):
            raise ValueError(f"ratings[{movie!r}] is {liked!r}, neither True nor False")
        row = row_of.get(_id(movie))
        if row is not None:
            known[row] = bool(liked)
    rows = sorted(known)
    return (
        np.array(rows, dtype=np.int64),
        np.array([known[row] for row in rows], dtype=np.bool_),
    )


def _id(movie: MovieKey) -> int:
    """Id of a movie by its key; an id that is no key, being a hash, is its own."""
    if isinstance(movie, int | np.integer):
        return int(movie)
    return movie_id(movie_key(movie))

"""Hidden units described by the movies that switch each of them on and off most.

NumPy alone, for serving: a description needs only the artifact.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np

from model.fold_in import WHOLE, fold_in
from model.rbm import DISLIKE, LIKE
from model.scoring import rank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from model.rbm import RBM

__all__ = ["HiddenUnit", "MovieWeight", "describe_features", "unit_name", "untitled"]

# Users whose hidden probabilities `HiddenUnit.share_on` averages: its standard error is then below
# .5 / sqrt(2000) = .011, and a large data set costs no more than a small one.
SHARE_SAMPLE = 2_000
# Movies in the name of a unit, and characters of each title: two fit the width of a phone.
NAMING, TITLE_LENGTH = 2, 32


@dataclass(frozen=True, slots=True)
class MovieWeight:
    """A movie and ``W[i, L, j]``: what liking it adds to the log-odds of the unit being on."""

    movie_id: int
    weight: float


@dataclass(frozen=True, slots=True)
class HiddenUnit:
    """One hidden unit.

    Parameters
    ----------
    unit : int
        j, its position in ``rbm.b``.
    importance : float
        Variance of the unit's input over users, see `describe_features`.
    on, off : tuple of MovieWeight
        Movies whose likes switch the unit on and off, by falling ``telling``.
    share_on : float or None
        Mean of P(h_j = 1 | v) over users, None without `interactions`.
    """

    unit: int
    importance: float
    on: tuple[MovieWeight, ...]
    off: tuple[MovieWeight, ...]
    share_on: float | None = None

    def as_json(self, titles: Mapping[int, tuple[str, int | None]]) -> dict[str, Any]:
        """Return the unit as the report card takes it, its movies with title and year.

        Parameters
        ----------
        titles : mapping of int to (str, int or None)
            Title and year of each movie id; a movie without an entry is named by `untitled`.
        """

        def movies(weights: tuple[MovieWeight, ...]) -> list[dict[str, Any]]:
            named = ((movie, titles.get(movie.movie_id)) for movie in weights)
            return [
                {
                    "movie_id": movie.movie_id,
                    "title": untitled(movie.movie_id) if name is None else name[0],
                    "year": None if name is None else name[1],
                    "weight": movie.weight,
                }
                for movie, name in named
            ]

        return {
            "unit": self.unit,
            "importance": self.importance,
            "share_on": self.share_on,
            "on": movies(self.on),
            "off": movies(self.off),
        }


def untitled(movie_id: int) -> str:
    """Return what stands for a title that is not known: a negative id is a hash, no number."""
    return f"Movie {movie_id}" if movie_id > 0 else "Movie without a title"


def unit_name(titles: Iterable[str]) -> str:
    """Name a unit by the titles of its two most telling movies, without what is in brackets.

    Parameters
    ----------
    titles : iterable of str
        Of the movies that switch the unit on, the most telling first.

    Returns
    -------
    str
        Each title has at most 32 characters; empty without titles.
    """
    parts = (title.split(" (")[0] for title in islice(titles, NAMING))
    return " · ".join(shorten(part, TITLE_LENGTH, placeholder="…") for part in parts)


def describe_features(
    rbm: RBM,
    n_movies: int = 8,
    *,
    n_units: int | None = None,
    interactions: Interactions | None = None,
) -> list[HiddenUnit]:
    """Describe the hidden units by their movies, by falling importance.

    The movies of a unit are those whose likes contribute most to the variance between users:

        p[i,s]        = exp(a[i,s]) / (1 + exp(a[i,L]) + exp(a[i,D]))
        telling[i,j]  = W[i,L,j] sqrt(p[i,L] (1 - p[i,L]))
        importance[j] = sum_i (sum_s p[i,s] W[i,s,j]^2 - (sum_s p[i,s] W[i,s,j])^2)

    p is the share of users in each state according to the visible biases (they start at the
    empirical log-odds and stay close), so no ratings are needed. ``telling`` is the signed standard
    deviation, over users, of the contribution of movie i to the input of unit j: the weight alone
    would favour movies that few users have seen. ``importance`` is the variance of the whole input
    if the movies were independent; a unit with a constant input distinguishes no users.

    Parameters
    ----------
    rbm : RBM
    n_movies : int
        Movies per direction at most; only those with a weight of the right sign are named.
    n_units : int, optional
        How many units at most; default: all.
    interactions : Interactions, optional
        Users that ``share_on`` averages over, with the movies of this machine in their order; of
        more than 2,000 users, 2,000 at even distances.

    Returns
    -------
    list of HiddenUnit
        By falling importance, ties by unit.

    Raises
    ------
    ValueError
        The movies of `interactions` are not those of the machine.
    """
    p = _state_shares(rbm.a)
    importance = _input_variance(rbm.W, p)
    deviation = np.sqrt(p[:, LIKE] * (1 - p[:, LIKE]))
    shares = None if interactions is None else _shares_on(rbm, interactions)
    units = np.argsort(-importance, kind="stable")[:n_units]
    return [
        HiddenUnit(
            int(j),
            float(importance[j]),
            _most_telling(rbm, int(j), deviation, n_movies, sign=1),
            _most_telling(rbm, int(j), deviation, n_movies, sign=-1),
            None if shares is None else float(shares[j]),
        )
        for j in units
    ]


def _state_shares(a: NDArray[np.floating]) -> NDArray[np.float64]:
    """p[i,s] = exp(a[i,s]) / (1 + exp(a[i,L]) + exp(a[i,D])), shape (n_movies, 2)."""
    x = np.asarray(a, dtype=np.float64)
    shares: NDArray[np.float64] = np.exp(x - np.logaddexp(0, np.logaddexp(x[:, :1], x[:, 1:])))
    return shares


def _input_variance(W: NDArray[np.floating], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance over users of each unit's input, the movies independent; shape (n_hidden,).

    The square of the movie's mean is multiplied out, which avoids a temporary of the size of W.
    """
    own = np.einsum("is,isj,isj->j", p * (1 - p), W, W)
    both = np.einsum("i,ij,ij->j", p[:, LIKE] * p[:, DISLIKE], W[:, LIKE], W[:, DISLIKE])
    variance: NDArray[np.float64] = own - 2 * both
    return variance


def _most_telling(
    rbm: RBM, unit: int, deviation: NDArray[np.float64], n_movies: int, *, sign: int
) -> tuple[MovieWeight, ...]:
    """Movies by falling ``sign * telling``, ties by movie id."""
    weight = rbm.W[:, LIKE, unit]
    telling = sign * weight * deviation
    order = rank(telling, rbm.movie_ids, limit=n_movies)
    return tuple(
        MovieWeight(int(rbm.movie_ids[i]), float(weight[i])) for i in order if telling[i] > 0
    )


def _shares_on(rbm: RBM, interactions: Interactions) -> NDArray[np.float64] | None:
    """Mean of P(h | v) over users, shape (n_hidden,); None without users."""
    rbm.refuse_other_movies(interactions)
    n = interactions.n_users
    if n == 0:
        return None
    users = np.unique(np.linspace(0, n - 1, min(n, SHARE_SAMPLE)).astype(np.int64))
    total = np.zeros(rbm.n_hidden)
    for row in users:
        total += fold_in(rbm, *interactions.user(row), block=WHOLE)
    return total / len(users)

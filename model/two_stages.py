r"""The first movies of one user where movies are many: those of `model.scoring`, faster.

Stage 1 bounds P(like) of every movie from above, by a product with one byte per weight
(`model.coarse`). Stage 2 scores the movies with the largest bounds in double precision, until the
bound of all others is below the last one of the list, by the certificate of `model.lists`. The list
is the one of full scoring, or nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model import list_kernels as kernels
from model.coarse import coarse
from model.fold_in import Given, fold_in
from model.list_kernels import Best
from model.lists import machine_of, scale_of, shared_terms, users_of
from model.rbm import sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.rbm import RBM

__all__ = ["First", "TwoStages"]

ALONE = np.zeros(1, dtype=np.int64)
NOTHING_SEEN = [np.zeros(0, dtype=np.int64)]


class First(NamedTuple):
    """The first movies of a user, the best first.

    Parameters
    ----------
    rows : int64 array, shape (limit,)
        Movie rows.
    score, like_given_seen : float32 arrays, shape (limit,)
        As in `model.lists.Lists`.
    """

    rows: NDArray[np.int64]
    score: NDArray[np.float32]
    like_given_seen: NDArray[np.float32]

    def scores_of(
        self, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Return both probabilities of some rows, None if one is not among the first."""
        places = {row: place for place, row in enumerate(self.rows.tolist())}
        if not places.keys() >= set(rows.tolist()):
            return None
        at = [places[row] for row in rows.tolist()]
        return self.score[at], self.like_given_seen[at]


class TwoStages:
    """Finds the first movies of users, one at a time; may be used by several threads at once.

    Parameters
    ----------
    rbm : RBM
        With a prior; its rounded weights are made here where it has none.

    Raises
    ------
    ValueError
        The machine has no prior.
    """

    def __init__(self, rbm: RBM) -> None:
        if rbm.prior is None:
            raise ValueError("two stages need a machine with a prior")
        self.rbm, self.prior = rbm, rbm.prior
        self._coarse = coarse(rbm.W) if rbm.coarse is None else rbm.coarse
        self._average = rbm.prior.average_hidden(rbm.b)
        self._scale = scale_of(rbm, rbm.prior)
        everything = np.ones(rbm.n_movies, dtype=np.bool_)
        self.first(Given(ALONE, everything[:1]), everything, 1)  # compiles what is not yet

    def first(
        self,
        given: Given,
        allowed: NDArray[np.bool_],
        limit: int,
        *,
        like_shift: NDArray[np.floating] | None = None,
        boost: NDArray[np.floating] | None = None,
    ) -> First | None:
        """Return the first `limit` movies that are allowed and not rated.

        Parameters
        ----------
        given : Given
            One rating at least.
        allowed : bool array, shape (n_movies,)
        limit : int
        like_shift, boost : float arrays, shape (n_movies,), optional
            As for `ListMaker`.

        Returns
        -------
        First or None
            None where the order is not certain, or there are fewer movies.
        """
        users = users_of([given], NOTHING_SEEN)
        machine = machine_of(self.rbm, self.prior, allowed, like_shift, boost)
        h = fold_in(self.rbm, given.movie_rows, given.liked, weights=given.weights)
        change = (h - self._average)[np.newaxis]
        bounds = np.empty((1, self.rbm.n_movies), dtype=np.float32)
        rounded = self._coarse
        kernels.upper_products(rounded.levels, rounded.step, rounded.error, change, bounds)
        found = Best(
            np.zeros((1, limit), dtype=np.int64), np.zeros((1, limit)), np.zeros((1, limit)),
            np.zeros((1, limit)), np.zeros(1, dtype=np.bool_),
        )  # fmt: skip
        kernels.best_of(machine, self._scale, users, change, bounds, found, ALONE)
        if not found.certain[0]:
            return None
        given_seen = found.given_seen[0] + shared_terms(self.rbm, self.prior, users)
        probabilities = (sigmoid(x).astype(np.float32) for x in (found.score[0], given_seen))
        return First(found.rows[0], *probabilities)

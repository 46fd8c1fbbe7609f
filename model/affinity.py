r"""What the ratings of a user say about movies that the machine does not know: by their genres.

A movie without weights takes those of the movies of its genres. With G the genres of movie i, k the
movies of a genre that the machine knows, and p[k] their base rates as P(like),

    W̄[g] = Σ_k∈g p[k] W[k,L] / Σ_k∈g p[k]        shape (n_hidden,)
    affinity[i] = STRENGTH mean_g∈G W̄[g] (h - h0)

h and h0 as in `model.prior`: without ratings the affinity is 0. The score adds it to the
popularity, smoothed as the machine's own base rates are:

    score[i] = σ(log((likes[i] + 2) / (n_users - likes[i] + 4)) + affinity[i])

NumPy alone, for serving.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.fold_in import BLOCK, fold_in, leave_one_out
from model.initialise import BIAS_PSEUDO_COUNT
from model.rbm import LIKE, sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.fold_in import Given
    from model.rbm import RBM

__all__ = ["Affinity", "score_of"]

# On the validation users of ml-latest-small, among the movies with fewer than 3 and 10 ratings:
# NDCG@100 .020 and .019 by popularity alone, .048 and .037 with strength 1, .050 and .047 with 1.5,
# and no more with 2.
STRENGTH = 1.5
# Movies of a genre that are averaged, the most popular: the others weigh next to nothing.
MAX_MOVIES = 2_000


class Affinity:
    """Affinities of sets of genres.

    Parameters
    ----------
    rbm : RBM
        With a prior.
    genres : sequence of int arrays
        The rows of each genre's movies.
    sets : sequence of sequences of int
        Sets of genres, by their places in `genres`.

    Raises
    ------
    ValueError
        The machine has no prior.
    """

    def __init__(
        self,
        rbm: RBM,
        genres: Sequence[NDArray[np.integer]],
        sets: Sequence[Sequence[int]],
    ) -> None:
        if rbm.prior is None:
            raise ValueError("affinity by genres needs a machine with a prior")
        self._rbm, self._average = rbm, rbm.prior.average_hidden(rbm.b)
        of_genres = np.array([_mean(rbm.W, rbm.prior.popularity, rows) for rows in genres]).reshape(
            -1, rbm.n_hidden
        )
        self._weights = np.zeros((len(sets), rbm.n_hidden), dtype=np.float32)
        for at, members in enumerate(sets):
            if len(members):
                self._weights[at] = STRENGTH * of_genres[list(members)].mean(axis=0)

    def affinities(self, given: Given) -> NDArray[np.float32]:
        """Affinity of every set for the ratings of a user, shape (n_sets,)."""
        h = fold_in(self._rbm, given.movie_rows, given.liked, weights=given.weights)
        return self._weights @ (h - self._average)

    def effects(self, given: Given, sets: NDArray[np.integer]) -> NDArray[np.float32]:
        """Leave-one-out effect of each rating on some sets, shape (n_sets, n_ratings).

        What the affinity is less without it: of a score, what `model.scoring.effects` gives.
        """
        weights = self._weights[sets]
        h = fold_in(self._rbm, given.movie_rows, given.liked, weights=given.weights)
        effect = np.empty((len(sets), len(given.movie_rows)), dtype=np.float32)
        for begin, H in leave_one_out(self._rbm, given):
            effect[:, begin : begin + len(H)] = weights @ (h - H).T
        return effect


def score_of(
    likes: NDArray[np.integer], n_users: int, affinity: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Score of movies, shape (n_movies,); see the module."""
    count = likes + BIAS_PSEUDO_COUNT
    n_users = max(n_users, int(likes.max(initial=0)))
    popularity = np.log(count / (n_users + 3 * BIAS_PSEUDO_COUNT - count))
    return sigmoid(popularity + affinity).astype(np.float32)


def _mean(
    W: NDArray[np.float32], popularity: NDArray[np.float32], rows: NDArray[np.integer]
) -> NDArray[np.float32]:
    """W̄ of a genre with these movies; 0 without any."""
    if len(rows) > MAX_MOVIES:
        rows = rows[np.argpartition(-popularity[rows], MAX_MOVIES)[:MAX_MOVIES]]
    shares = sigmoid(popularity[rows].astype(np.float64))
    total = np.zeros(W.shape[2])
    for begin in range(0, len(rows), BLOCK):
        part = slice(begin, begin + BLOCK)
        total += shares[part] @ W[rows[part], LIKE]
    return (total / max(shares.sum(), np.finfo(np.float64).tiny)).astype(np.float32)

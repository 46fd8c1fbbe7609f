"""NDCG@100 of validation users after every epoch, cheap enough to be no part of the epoch's cost.

A curve to follow, not a result to quote: many users in one product, whose last bits differ from
those of `model.scoring`, and at most `MOST_USERS` of them. Results come from `model.evaluation`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.rbm import DISLIKE, LIKE, activity, columns, sigmoid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import HeldOut
    from model.rbm import RBM

__all__ = ["RankingMonitor"]

# With 300 users at 1 million ratings it is a tenth of the epoch; their standard error is .015.
MOST_USERS = 300
# Users per product: 100 x 2 x 3,700 films in float32 are 3 MB.
USERS_AT_ONCE = 100
DEPTH = 100


class RankingMonitor:
    """Follows the ranking of the first `MOST_USERS` held-out users.

    Parameters
    ----------
    held_out : HeldOut
        Over the movies of the machine that is followed.
    """

    def __init__(self, held_out: HeldOut) -> None:
        self._given, self._hidden = held_out.given, held_out.hidden
        self._n_users = min(held_out.given.n_users, MOST_USERS)
        discount = 1 / np.log2(np.arange(2, DEPTH + 2))
        self._gain = np.concatenate((discount, [0.0]))  # by place from 0; none beyond the last
        likes = held_out.hidden.likes_per_user[: self._n_users]
        self._ideal = np.cumsum(discount)[np.minimum(likes, DEPTH) - 1]

    def ndcg(self, rbm: RBM) -> float | None:
        """Mean NDCG@100 under the machine, None without users."""
        if self._n_users == 0:
            return None
        gained = [
            self._gained(rbm, np.arange(begin, min(begin + USERS_AT_ONCE, self._n_users)))
            for begin in range(0, self._n_users, USERS_AT_ONCE)
        ]
        return float((np.concatenate(gained) / self._ideal).mean())

    def _gained(self, rbm: RBM, users: NDArray[np.int64]) -> NDArray[np.float64]:
        """DCG@100 of some users; a film that ties with a hidden like goes before it."""
        scores = _scores(rbm, self._given.select_users(users))
        ordered = np.sort(scores, axis=1)
        dcg = np.zeros(len(users))
        for row, user in enumerate(users):
            movies, liked = self._hidden.user(user)
            at = np.searchsorted(ordered[row], scores[row, movies[liked]], side="left")
            place = rbm.n_movies - 1 - at
            dcg[row] = self._gain[np.minimum(place, DEPTH)].sum()
        return dcg


def _scores(rbm: RBM, given: Interactions) -> NDArray[np.float32]:
    """P(like), in the classic machine P(like | seen), by mean field; given films are last."""
    H = np.empty((given.n_users, rbm.n_hidden), dtype=np.float32)
    for row in range(given.n_users):
        H[row] = rbm.b + rbm.weights[columns(*given.user(row))].sum(axis=0)
    t = activity(given.ratings_per_user, rbm.mean_ratings)
    x = rbm.visible_input(sigmoid(H), t)
    scores: NDArray[np.float32]
    if rbm.classic:
        scores = x[..., LIKE] - x[..., DISLIKE]
    else:
        weight = np.exp(np.minimum(x, np.float32(80), out=x), out=x)
        scores = weight[..., LIKE] / (1 + weight[..., LIKE] + weight[..., DISLIKE])
    scores[given.user_rows, given.movie_rows] = -np.inf
    return scores

"""The movies that tell most about a user: what a new visitor is asked first.

NumPy alone, for serving.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.fold_in import fold_in, visible_inputs
from model.rbm import DISLIKE, LIKE, sigmoid
from model.scoring import like_logit, of_movies, score_user

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.rbm import RBM

__all__ = ["telling_movies"]

# Movies that may be asked about: those that most users have rated. 400 are chosen from as from 100.
CANDIDATES = 100
# Movies whose place in the lists counts, the most liked. 3,000 decide as 300 do.
TARGETS = 500


def telling_movies(rbm: RBM, n: int) -> NDArray[np.int64]:
    """Rows of the movies whose answers change the lists most, the most telling first.

    The answer s to movie i, alone, changes the list of a new user by the vector

        d[i,s] = P(like | i = s) - P(like)          over the most liked movies

    and q[i,s], the share of users in state s, says how often it is given. One movie after the other
    is chosen by the change that is expected from it and that none of the movies before brings:

        next = argmax_i Σ_s q[i,s] |d[i,s] - projection onto the d of the movies before|²

    Parameters
    ----------
    rbm : RBM
    n : int
        How many movies at most.

    Returns
    -------
    int64 array, shape (<= n,)
        Of the 100 movies that most users have rated.
    """
    shares = _state_shares(rbm)
    rows = np.argsort(-shares.sum(axis=1), kind="stable")[:CANDIDATES]
    targets = np.argsort(-shares[:, LIKE], kind="stable")[:TARGETS]
    changes = _changes(rbm, rows, targets) * np.sqrt(shares[rows])[..., np.newaxis]
    return rows[_greedy(changes, min(n, len(rows)))]


def _state_shares(rbm: RBM) -> NDArray[np.float64]:
    """q[i,s], shape (n_movies, 2): by the base rates, without a prior by the visible biases."""
    x = (rbm.a if rbm.prior is None else rbm.prior.rates).astype(np.float64)
    shares: NDArray[np.float64] = np.exp(x - np.logaddexp(0, np.logaddexp(x[:, :1], x[:, 1:])))
    return shares


def _changes(rbm: RBM, rows: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """d[i,s], shape (n_rows, 2, n_targets)."""
    nobody = np.zeros(0, dtype=np.int64)
    before = score_user(rbm, nobody, nobody.astype(np.bool_))[0][targets]
    part = of_movies(rbm, targets)
    coupled = 0.0 if rbm.couplings is None else rbm.couplings.between(targets, rows).T
    changes = np.empty((len(rows), 2, len(targets)))
    for state, more in ((LIKE, coupled), (DISLIKE, 0.0)):
        answer = np.array([state == LIKE])
        H = np.stack([fold_in(rbm, rows[k : k + 1], answer) for k in range(len(rows))])
        x = visible_inputs(part, H, np.ones(1))
        x[..., LIKE] += more
        changes[:, state] = sigmoid(like_logit(part, x)) - before
    return changes


def _greedy(changes: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Choose n of the movies, each by what is left of its changes; see `telling_movies`.

    Where nothing is left, there being fewer directions than movies, all changes count again.
    """
    left, chosen = changes.copy(), np.zeros(n, dtype=np.int64)
    enough = 1e-9 * _gain(changes).max(initial=0)
    for place in range(n):
        gain = _gain(left)
        if np.delete(gain, chosen[:place]).max() <= enough:
            left, gain = changes.copy(), _gain(changes)
        gain[chosen[:place]] = -1
        chosen[place] = best = np.argmax(gain)
        for state in (LIKE, DISLIKE):
            length = np.linalg.norm(left[best, state])
            if length > 0:
                direction = left[best, state] / length
                left -= (left @ direction)[..., np.newaxis] * direction
    return chosen


def _gain(left: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_s |left[i,s]|², shape (n_rows,)."""
    gain: NDArray[np.float64] = np.einsum("isk,isk->i", left, left)
    return gain

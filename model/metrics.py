"""Ranking metrics over held-out users, each vectorised over the users.

A ranking is cut before it comes here: ``hits`` says for each of the first n_ranked places whether
the film there is one of the user's hidden likes; ``n_relevant`` how many hidden likes there are.

References
----------
.. [1] D. Liang, R. Krishnan, M. Hoffman, T. Jebara. Variational Autoencoders for Collaborative
       Filtering. WWW 2018. Section 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Estimate", "estimate", "ndcg", "recall"]


class Estimate(NamedTuple):
    """A mean over users and its standard error."""

    mean: float
    se: float


def ndcg(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer], k: int) -> NDArray[np.float64]:
    """NDCG@k with binary gains, per user.

        DCG@k = sum_{r <= k} hit[r] / log2(r + 1)        NDCG@k = DCG@k / its largest possible value

    Parameters
    ----------
    hits : bool array, shape (n_users, n_ranked)
        n_ranked at least k, or the whole catalogue.
    n_relevant : int array, shape (n_users,)
        At least 1 each.
    k : int

    Returns
    -------
    float64 array, shape (n_users,)
    """
    discount = 1 / np.log2(np.arange(2, k + 2))
    gained = hits[:, :k] @ discount[: hits.shape[1]]
    ideal = np.cumsum(discount)[np.minimum(n_relevant, k) - 1]
    return gained / ideal


def recall(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer], k: int) -> NDArray[np.float64]:
    """Recall@k = hits among the first k / min(k, n_relevant), per user.

    Parameters and result as in `ndcg`. A user with more than k hidden likes can so reach 1.
    """
    return hits[:, :k].sum(axis=1) / np.minimum(n_relevant, k)


def estimate(values: NDArray[np.floating]) -> Estimate:
    """Mean of a metric over users, with standard error s / sqrt(n), s with n - 1.

    With a single user the standard error is not a number, with none the mean neither.
    """
    n = len(values)
    if n == 0:
        return Estimate(float("nan"), float("nan"))
    se = float(np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Estimate(float(np.mean(values)), se)

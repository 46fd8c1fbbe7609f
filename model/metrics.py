"""Metrics over held-out users, each vectorised over the users or over their ratings.

A ranking is cut before it comes here: ``hits`` says for each of the first n_ranked places whether
the movie there is one of the user's hidden likes; ``n_relevant`` how many hidden likes there are.
Of a probability, ``p`` and ``liked`` have one entry per hidden rating, ``users`` says whose.

References
----------
.. [1] D. Liang, R. Krishnan, M. Hoffman, T. Jebara. Variational Autoencoders for Collaborative
       Filtering. WWW 2018. Section 4.2.
.. [2] N. Obuchowski. Nonparametric Analysis of Clustered ROC Curve Data. Biometrics 53 (1997).
.. [3] M. Naeini, G. Cooper, M. Hauskrecht. Obtaining Well Calibrated Probabilities Using Bayesian
       Binning. AAAI 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "Bins",
    "Estimate",
    "auc",
    "calibration_error",
    "clustered",
    "coverage",
    "estimate",
    "log_loss",
    "ndcg",
    "recall",
    "reliability",
    "share_of_places",
]

# A float32 probability of exactly 1 is anything above 1 - 3e-8.
SMALLEST = 1e-7
N_BINS = 10


class Estimate(NamedTuple):
    """A mean over users and its standard error."""

    mean: float
    se: float


class Bins(NamedTuple):
    """A reliability curve: three arrays with one entry per bin."""

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    n: NDArray[np.int64]


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
    return np.asarray(gained / ideal)


def recall(hits: NDArray[np.bool_], n_relevant: NDArray[np.integer], k: int) -> NDArray[np.float64]:
    """Recall@k = hits among the first k / min(k, n_relevant), per user.

    Parameters and result as in `ndcg`. A user with more than k hidden likes can so reach 1.
    """
    return np.asarray(hits[:, :k].sum(axis=1) / np.minimum(n_relevant, k))


def share_of_places(marked: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """Share of the first k places that are marked, per user.

    Parameters
    ----------
    marked : bool array, shape (n_users, n_ranked)
        For instance: a hidden dislike is here.
    k : int
    """
    return np.asarray(marked[:, :k].sum(axis=1) / k)


def coverage(ranking: NDArray[np.integer], k: int, n_movies: int) -> float:
    """Share of the catalogue that is among the first k movies of any user.

    Parameters
    ----------
    ranking : int array, shape (n_users, n_ranked)
        Movie rows, best first; -1 beyond the end of a short catalogue.
    k, n_movies : int
    """
    shown = np.unique(ranking[:, :k])
    return float((shown >= 0).sum() / n_movies)


def auc(p: NDArray[np.floating], liked: NDArray[np.bool_], users: NDArray[np.integer]) -> Estimate:
    """Probability that a like has a larger p than a dislike, ties counting one half.

    From ranks: the rank of a like among all less its rank among likes is the number of dislikes
    below it. The standard error sums these shares by user (reference [2]), since the ratings of
    one user are correlated. Not a number where one of the two kinds is missing.

    Parameters
    ----------
    p : array, shape (n_ratings,)
    liked : bool array, shape (n_ratings,)
    users : int array, shape (n_ratings,)
    """
    n_likes, n_dislikes = int(liked.sum()), int((~liked).sum())
    if not n_likes or not n_dislikes:
        return Estimate(float("nan"), float("nan"))
    beyond = _ranks(p)
    for kind in (liked, ~liked):
        beyond[kind] -= _ranks(p[kind])
    share = np.where(liked, beyond / n_dislikes, 1 - beyond / n_likes)
    mean = float(share[liked].mean())
    influence = (share - mean) / np.where(liked, n_likes, n_dislikes)
    return Estimate(mean, _clustered_error(influence, users))


def log_loss(p: NDArray[np.floating], liked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Log-loss -log p of a like and -log(1 - p) of a dislike, in nats, per rating."""
    p = np.clip(np.asarray(p, dtype=np.float64), SMALLEST, 1 - SMALLEST)
    return np.asarray(-np.where(liked, np.log(p), np.log1p(-p)))


def reliability(p: NDArray[np.floating], liked: NDArray[np.bool_]) -> Bins:
    """Mean p and share of likes of the ratings in 10 bins of rising p and equal number."""
    parts = np.array_split(np.argsort(p, kind="stable"), min(N_BINS, len(p)) or 1)
    return Bins(
        np.array([p[part].mean(dtype=np.float64) for part in parts if len(part)]),
        np.array([liked[part].mean() for part in parts if len(part)]),
        np.array([len(part) for part in parts if len(part)], dtype=np.int64),
    )


def calibration_error(bins: Bins) -> float:
    """ECE = Σ_bins n / N |predicted - observed| (reference [3], with bins of equal number)."""
    if not bins.n.sum():
        return float("nan")
    return float(np.average(np.abs(bins.predicted - bins.observed), weights=bins.n))


def clustered(values: NDArray[np.floating], users: NDArray[np.integer]) -> Estimate:
    """Mean over ratings, with a standard error for correlated ratings within a user.

    Parameters
    ----------
    values : array, shape (n_ratings,)
    users : int array, shape (n_ratings,)
    """
    if not len(values):
        return Estimate(float("nan"), float("nan"))
    mean = float(np.mean(values, dtype=np.float64))
    return Estimate(mean, _clustered_error((values - mean) / len(values), users))


def _ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rank of each value from 1, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def _clustered_error(influence: NDArray[np.float64], users: NDArray[np.integer]) -> float:
    """sqrt(n / (n - 1) Σ_users (Σ influence of their ratings)²), n users."""
    sums = np.bincount(np.unique(users, return_inverse=True)[1], weights=influence)
    n = len(sums)
    return float(np.sqrt(n / (n - 1) * (sums @ sums))) if n > 1 else float("nan")


def estimate(values: NDArray[np.floating]) -> Estimate:
    """Mean of a metric over users, with standard error s / sqrt(n), s with n - 1.

    With a single user the standard error is not a number, with none the mean neither.
    """
    n = len(values)
    if n == 0:
        return Estimate(float("nan"), float("nan"))
    se = float(np.std(values, ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Estimate(float(np.mean(values)), se)

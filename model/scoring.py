"""What one person gets: both probabilities of every film, a ranking, and the reasons.

The service and the evaluation call the same functions, one person per product: the rows of a
product of many users differ in the last bit with their number, and an answer must not.
NumPy alone; nothing here is needed for training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.rbm import DISLIKE, LIKE, activity, columns, sigmoid, softplus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.rbm import RBM

__all__ = ["effects", "rank", "score_user"]


def score_user(
    rbm: RBM, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P(like) and calibrated P(like | seen) of every movie, by one upward and one downward pass.

    Mean field: the hidden units take their probabilities, ``h = P(h | v)``, then

        P(like)        = exp(x[i,L]) / (1 + exp(x[i,L]) + exp(x[i,D]))
        P(like | seen) = σ(slope (x[i,L] - x[i,D]) + intercept)

    The classic machine has no P(like); there it is P(like | seen) that ranks.

    Parameters
    ----------
    rbm : RBM
    movie_rows : int array, shape (n_ratings,)
        Movies that the person has rated, as positions in ``rbm.movie_ids``.
    liked : bool array, shape (n_ratings,)

    Returns
    -------
    like, like_given_seen : float32 arrays, shape (n_movies,)
    """
    x = _visible_input(rbm, movie_rows, liked)
    slope, intercept = rbm.calibration
    gap = x[:, LIKE] - x[:, DISLIKE]
    given_seen = sigmoid(np.float32(slope) * gap + np.float32(intercept))
    like = given_seen if rbm.classic else sigmoid(_like_logit(x))
    return like, given_seen


def effects(
    rbm: RBM,
    movie_rows: NDArray[np.integer],
    liked: NDArray[np.bool_],
    targets: NDArray[np.integer],
) -> NDArray[np.float32]:
    """How each rating moves the score of each target film, by leaving it out.

        effect[i, r] = logit P(like i | all ratings) - logit P(like i | all but rating r)

    Exact, the change of the person's activity included; effects of several ratings do not add up.

    Parameters
    ----------
    rbm, movie_rows, liked
        As in `score_user`.
    targets : int array, shape (n_targets,)
        Movie rows to explain.

    Returns
    -------
    float32 array, shape (n_targets, n_ratings)
    """
    contributions = rbm.weights[columns(movie_rows, liked)]  # (n_ratings, n_hidden)
    total = rbm.b + contributions.sum(axis=0)
    inputs = np.concatenate((total[np.newaxis], total - contributions))
    n = len(movie_rows)
    t = activity(np.concatenate(([n], np.full(n, n - 1))), rbm.mean_ratings)
    W = rbm.W[targets]  # (n_targets, 2, n_hidden)
    x = np.einsum("isj,rj->ris", W, sigmoid(inputs), optimize=True) + rbm.a[targets]
    if rbm.classic:
        slope, intercept = rbm.calibration
        logit = slope * (x[..., LIKE] - x[..., DISLIKE]) + intercept
    else:
        logit = _like_logit(x + t[:, np.newaxis, np.newaxis])
    return (logit[0] - logit[1:]).T.astype(np.float32)


def rank(
    scores: NDArray[np.floating],
    movie_ids: NDArray[np.integer],
    exclude: NDArray[np.integer] | None = None,
    limit: int | None = None,
) -> NDArray[np.int64]:
    """Rows of the films by falling score, ties by rising movie id.

    Parameters
    ----------
    scores : array, shape (n_movies,)
    movie_ids : int array, shape (n_movies,)
    exclude : int array, optional
        Rows that are left out.
    limit : int, optional
        How many rows at most; default: all.

    Returns
    -------
    int64 array, shape (<= limit,)
    """
    keep = np.ones(len(scores), dtype=np.bool_)
    if exclude is not None:
        keep[exclude] = False
    rows = np.flatnonzero(keep)
    kept = scores[rows]
    if limit is not None and limit < len(rows):
        if limit <= 0:
            return rows[:0]
        at = len(rows) - limit
        # >= keeps every film that ties with the last one, so that the id decides among them all
        candidates = kept >= np.partition(kept, at)[at]
        rows, kept = rows[candidates], kept[candidates]
    return rows[np.lexsort((movie_ids[rows], -kept))][:limit]


def _visible_input(
    rbm: RBM, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """x[i,s] for one person, mean field; shape (n_movies, 2)."""
    h = sigmoid(rbm.b + rbm.weights[columns(movie_rows, liked)].sum(axis=0))
    x = (rbm.weights @ h).reshape(rbm.n_movies, 2)
    return x + rbm.a + activity(len(movie_rows), rbm.mean_ratings)


def _like_logit(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """logit P(like) = x[L] - log(1 + exp(x[D])), since P(like) = e^x[L] / (1 + e^x[L] + e^x[D])."""
    return x[..., LIKE] - softplus(x[..., DISLIKE])

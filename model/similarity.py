"""Similarity of movies by their weights, and diverse lists.

NumPy alone; nothing here is needed for training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.rbm import LIKE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.rbm import RBM

__all__ = ["diversify", "like_lengths", "similarity"]


def like_lengths(rbm: RBM) -> NDArray[np.float32]:
    """Length of the like weights of each movie, plus the median length.

        l[i] = |W[i,L]| + median_k |W[k,L]|

    The weights of a movie that few users have seen are short and mostly noise; divided by their own
    length they would resemble other movies by chance. The median damps them.

    Returns
    -------
    float32 array, shape (n_movies,)
    """
    weights = rbm.W[:, LIKE]
    lengths = np.sqrt(np.einsum("ij,ij->i", weights, weights))
    shrunk: NDArray[np.float32] = lengths + np.median(lengths) if len(lengths) else lengths
    # Weights of 0 alone must not lead to a division by 0.
    return np.maximum(shrunk, np.float32(1e-12))


def similarity(rbm: RBM, row: int, lengths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Similarity of a movie to every movie: cosine of their like weights.

        s[i] = W[row,L] · W[i,L] / (l[row] l[i])        shrunk by `like_lengths`

    Parameters
    ----------
    rbm : RBM
    row : int
        The movie to compare with.
    lengths : float32 array, shape (n_movies,)
        What `like_lengths` returned.

    Returns
    -------
    float32 array, shape (n_movies,)
        From -1 to 1.
    """
    alike: NDArray[np.float32] = rbm.W[:, LIKE] @ rbm.W[row, LIKE] / (lengths * lengths[row])
    return alike


def diversify(
    rbm: RBM,
    rows: NDArray[np.integer],
    scores: NDArray[np.floating],
    diversity: float,
    lengths: NDArray[np.float32],
    limit: int,
) -> NDArray[np.int64]:
    """Reorder movies by maximal marginal relevance: relevant, and unlike those before.

        next = argmax_i (1 - diversity) score[i] / max score - diversity max_k∈chosen s[i,k]

    s is that of `similarity`. With diversity 0 the order stays. The first n places do not depend
    on `limit`.

    Parameters
    ----------
    rbm : RBM
    rows : int array, shape (n_candidates,)
        Movies, the best first; that order decides between equals.
    scores : array, shape (n_candidates,)
        P(like) of each of them.
    diversity : float
        From 0 to 1.
    lengths : float32 array, shape (n_movies,)
        What `like_lengths` returned.
    limit : int
        How many places to fill.

    Returns
    -------
    int64 array, shape (min(limit, n_candidates),)

    References
    ----------
    .. [1] J. Carbonell, J. Goldstein. The Use of MMR, Diversity-Based Reranking for Reordering
           Documents and Producing Summaries. SIGIR 1998.
    """
    n = min(limit, len(rows))
    if n == 0 or diversity == 0:
        return np.asarray(rows[:n], dtype=np.int64)
    directions = rbm.W[rows, LIKE] / lengths[rows][:, np.newaxis]
    gain = np.float32(1 - diversity) * (scores / scores.max()).astype(np.float32)
    likeness = np.full(len(rows), -np.inf, dtype=np.float32)
    chosen = np.zeros(n, dtype=np.int64)  # the first is the best
    for place in range(1, n):
        latest = chosen[place - 1]
        np.maximum(likeness, directions @ directions[latest], out=likeness)
        gain[latest] = -np.inf
        chosen[place] = np.argmax(gain - np.float32(diversity) * likeness)
    return np.asarray(rows, dtype=np.int64)[chosen]

"""Recency: what is liked lately counts more than what was liked long ago.

Two parts, both at serving time, without another training. A shift of the visible bias of each
movie in the state *like*, the same for all users (`recency_shift`); and weights of a user's own
ratings by their age in fold-in (`data.temporal.age_weights`, `model.scoring.score_user`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PSEUDO_LIKES", "recency_shift"]

# Added to the recent likes in the proportions of all likes: of 2,500 ratings, half of them likes,
# the lift of a movie is drawn nearly half way to 1. 300 and 1,000 did equally well by date.
PSEUDO_LIKES = 1_000.0


def recency_shift(
    likes_recent: NDArray[np.integer],
    likes_all: NDArray[np.integer],
    *,
    strength: float = 1.0,
    pseudo_likes: float = PSEUDO_LIKES,
) -> NDArray[np.float32]:
    """Shift of x[i,L] by how much more a movie is liked lately than in all time.

        share[i]  = (all[i] + 1) / Σ_k (all[k] + 1)
        recent[i] = (recent likes[i] + m share[i]) / (Σ_k recent likes[k] + m)
        shift[i]  = β log(recent[i] / share[i])

    With β = 1 and m = 0 the prior odds of a like become those of the recent ratings. A movie
    without recent likes keeps at least the lift m / (Σ recent likes + m).

    Parameters
    ----------
    likes_recent : int array, shape (n_movies,)
        Likes among the latest ratings (about 5 % of all).
    likes_all : int array, shape (n_movies,)
        Likes among all ratings, the recent ones included.
    strength : float
        β; 0 for no recency.
    pseudo_likes : float
        m, more than 0.

    Returns
    -------
    float32 array, shape (n_movies,)
    """
    all_time = np.asarray(likes_all, dtype=np.float64) + 1
    share = all_time / all_time.sum()
    recent = np.asarray(likes_recent, dtype=np.float64)
    smoothed = (recent + pseudo_likes * share) / (recent.sum() + pseudo_likes)
    return np.asarray(strength * np.log(smoothed / share), dtype=np.float32)

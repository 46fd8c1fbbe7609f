"""How much a dislike says: the weights of dislikes in the finished machine.

Contrastive divergence makes W[i,L] and W[i,D] equally large, since having seen a movie at all is
most of what either tells. For finding what somebody will like, a dislike is the poorer witness.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from model.rbm import DISLIKE

if TYPE_CHECKING:
    from model.rbm import RBM

__all__ = ["weigh_dislikes"]


def weigh_dislikes(rbm: RBM, weight: float) -> RBM:
    """Multiply the weights of dislikes; the inverse is `weigh_dislikes` with 1 / weight.

        W'[i,D] = weight W[i,D]      a'[i,D] = a[i,D] + (1 - weight) / 2 sum_j W[i,D,j]

    so that x[i,D] is what it was where half of the hidden units are on. In the classic machine
    likes and dislikes are two sides of one thing: it stays as it is.

    Parameters
    ----------
    rbm : RBM
        Not changed.
    weight : float
        More than 0.

    Returns
    -------
    RBM
    """
    if rbm.classic:
        return rbm
    W, a = rbm.W.copy(), rbm.a.copy()
    W[:, DISLIKE] *= np.float32(weight)
    a[:, DISLIKE] += np.float32((1 - weight) / 2) * rbm.W[:, DISLIKE].sum(axis=1)
    return replace(rbm, W=W, a=a)

"""The weights of dislikes in the finished machine.

Contrastive divergence makes W[i,L] and W[i,D] equally large, since both mostly encode that the
movie was seen. For predicting likes, a dislike is less informative.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from model.rbm import DISLIKE

if TYPE_CHECKING:
    from model.rbm import RBM

__all__ = ["weigh_dislikes", "weigh_in_place"]


def weigh_dislikes(rbm: RBM, weight: float) -> RBM:
    """Multiply the weights of dislikes; the inverse is `weigh_dislikes` with 1 / weight.

        W'[i,D] = weight W[i,D]      a'[i,D] = a[i,D] + (1 - weight) / 2 sum_j W[i,D,j]

    so that x[i,D] is unchanged where half of the hidden units are on. The classic machine, where
    only W[i,L] - W[i,D] matters, is not changed.

    Parameters
    ----------
    rbm : RBM
        Not changed.
    weight : float
        More than 0.

    Returns
    -------
    RBM
        Without prior and couplings, which were fitted to other weights (`model.finish`).
    """
    if rbm.classic:
        return rbm
    weighed = replace(rbm, W=rbm.W.copy(), a=rbm.a.copy(), prior=None, couplings=None)
    weigh_in_place(weighed, weight)
    return weighed


def weigh_in_place(rbm: RBM, weight: float) -> None:
    """Change the machine's own arrays as `weigh_dislikes` says, without memory for others."""
    if rbm.classic:
        return
    rbm.a[:, DISLIKE] += np.float32((1 - weight) / 2) * rbm.W[:, DISLIKE].sum(axis=1)
    rbm.W[:, DISLIKE] *= np.float32(weight)

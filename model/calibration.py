"""Make P(like | seen) mean what it says: of the films at .8, eight in ten are liked.

References
----------
.. [1] J. Platt. Probabilistic Outputs for Support Vector Machines. 1999. Equation 2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from model.rbm import sigmoid, softplus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.splitting import HeldOut
    from model.rbm import RBM

__all__ = ["calibrate", "fit_platt"]

# Strength of the pull towards (1, 0), in ratings' worth of curvature: nothing to speak of beside
# the thousands of hidden ratings of real data, and a finite answer from a handful.
PRIOR = 1.0


def calibrate(rbm: RBM, validation: HeldOut) -> RBM:
    """Return the machine with its calibration fitted to the hidden ratings of validation users.

    Parameters
    ----------
    rbm : RBM
    validation : HeldOut
        Users that no weight was trained on, over the machine's movies.
    """
    plain = replace(rbm, calibration=(1.0, 0.0))
    logits, liked = [np.empty(0)], [np.empty(0, dtype=np.bool_)]
    for row in range(validation.given.n_users):
        _, probability = plain.score_user(*validation.given.user(row))
        movies, likes = validation.hidden.user(row)
        p = np.clip(probability[movies].astype(np.float64), 1e-7, 1 - 1e-7)
        logits.append(np.log(p / (1 - p)))
        liked.append(likes)
    return replace(rbm, calibration=fit_platt(np.concatenate(logits), np.concatenate(liked)))


def fit_platt(logits: NDArray[np.floating], liked: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of P(like) = σ(slope logit + intercept), by maximum likelihood.

    Minimises the log-loss plus 1/2 ‖(slope, intercept) - (1, 0)‖², which is convex.

    Parameters
    ----------
    logits : array, shape (n_ratings,)
    liked : bool array, shape (n_ratings,)

    Returns
    -------
    slope, intercept : float
    """
    X = np.stack((logits, np.ones_like(logits)), axis=1)
    start = np.array([1.0, 0.0])

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        x, away = X @ theta, theta - start
        value = (softplus(x) - liked * x).sum() + PRIOR / 2 * (away @ away)
        return float(value), X.T @ (sigmoid(x) - liked) + PRIOR * away

    slope, intercept = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return float(slope), float(intercept)

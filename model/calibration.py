"""Make P(like | seen) mean what it says: of the movies at .8, eight in ten are liked.

A logistic regression in the spirit of Platt [1]_ with four weights: `model.rbm.Calibration`.

References
----------
.. [1] J. Platt. Probabilistic Outputs for Support Vector Machines. 1999. Equation 2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from model.rbm import Calibration, sigmoid, softplus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from data.splitting import HeldOut
    from model.rbm import RBM

__all__ = ["TYPICAL", "calibrate", "fit_logistic"]

# What the weights come to on the validation users of ml-latest-small, whatever the split; for a
# machine that nobody was held out of.
TYPICAL = Calibration(hidden=0.41, film=0.55, person=4.0, shift=-0.24)
# Strength of the pull towards TYPICAL, in ratings' worth of curvature: nothing to speak of beside
# the thousands of hidden ratings of real data, and a sensible answer from a handful.
PRIOR = 1.0


def calibrate(rbm: RBM, validation: HeldOut) -> RBM:
    """Return the machine with its calibration fitted to the hidden ratings of validation users.

    Parameters
    ----------
    rbm : RBM
    validation : HeldOut
        Users that no weight was trained on, over the machine's movies.
    """
    # Each weight alone: what `score_user` then answers is that part of the logit.
    alone = (replace(rbm, calibration=Calibration(*row)) for row in np.eye(4))
    X = np.stack([_logits(machine, validation) for machine in alone], axis=1)
    weights = fit_logistic(X, validation.hidden.liked, np.array(TYPICAL))
    return replace(rbm, calibration=Calibration(*map(float, weights)))


def _logits(rbm: RBM, held_out: HeldOut) -> NDArray[np.float64]:
    """Logit of P(like | seen) of every hidden rating, shape (n_hidden_ratings,)."""
    logits = [np.empty(0)]
    for row in range(held_out.given.n_users):
        _, probability = rbm.score_user(*held_out.given.user(row))
        p = np.clip(probability[held_out.hidden.user(row)[0]].astype(np.float64), 1e-7, 1 - 1e-7)
        logits.append(np.log(p / (1 - p)))
    return np.concatenate(logits)


def fit_logistic(
    X: NDArray[np.floating], liked: NDArray[np.bool_], prior: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Weights w of P(like) = σ(X w) that minimise the log-loss plus 1/2 ‖w - prior‖², a convex sum.

    Parameters
    ----------
    X : array, shape (n_ratings, n_weights)
    liked : bool array, shape (n_ratings,)
    prior : array, shape (n_weights,)

    Returns
    -------
    float64 array, shape (n_weights,)
    """

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        x, away = X @ w, w - prior
        value = (softplus(x) - liked * x).sum() + PRIOR / 2 * (away @ away)
        return float(value), X.T @ (sigmoid(x) - liked) + PRIOR * away

    return np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B").x)

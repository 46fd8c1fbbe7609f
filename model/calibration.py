"""Calibration of the probabilities: of the movies at .8, eight in ten are liked.

Logistic regressions after Platt [1]_; their weights are `model.rbm.Calibration`. A machine with a
prior is calibrated for every number of ratings at once: of each validation user the first 0, 1,
2 ... ratings in random order are given, and all others are predicted: P(like | seen) among the
ratings, P(like) among the first 100 movies of each list.

References
----------
.. [1] J. Platt. Probabilistic Outputs for Support Vector Machines. 1999. Equation 2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from data.splitting import HeldOut, first_ratings
from model.fold_in import Given, fold_in
from model.rbm import DISLIKE, LIKE, Calibration, sigmoid, softplus
from model.scoring import calibration_features, rank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.prior import Prior
    from model.rbm import RBM

__all__ = ["TYPICAL", "TYPICAL_WITH_PRIOR", "calibrate", "fit_logistic"]

# Weights fitted on the validation users of ml-latest-small, nearly the same for every split; for a
# machine without held-out users.
TYPICAL = Calibration(hidden=0.41, film=0.55, person=4.0, shift=-0.24)
TYPICAL_WITH_PRIOR = Calibration(
    hidden=0.22, film=1.0, person=1.0, shift=0.0, length=-0.1, like_slope=1.0, like_shift=0.0
)
# Precision of the prior around TYPICAL: negligible beside the thousands of hidden ratings of real
# data, and a sensible result from a handful.
PRIOR = 1.0
# The same of the three weights that are fitted with a prior. Ratings of one user are much alike, so
# each user counts as 10 ratings. Without this pull the weights follow 100 validation users too
# closely: on ml-latest-small the log-loss at n <= 5 was worse than that of damped means.
PRECISION = 300.0
RATINGS_PER_USER = 10
# Numbers of ratings that validation users give, besides all that are given anyway.
GIVEN = (0, 1, 2, 3, 5, 10, 20, 40)
# Validation users at most: 500 users at 9 numbers of ratings take about a second.
MAX_USERS = 500
SALT = "calibration"
# The order of movies never turns round.
MIN_SLOPE = 0.05
# P(like) is fitted to fewer users: each has a whole list.
LIKE_GIVEN, MAX_LIKE_USERS, LIKE_DEPTH = (1, 3, 10), 50, 100


def calibrate(rbm: RBM, validation: HeldOut) -> RBM:
    """Return the machine with its calibration fitted to the hidden ratings of validation users.

    Parameters
    ----------
    rbm : RBM
    validation : HeldOut
        Users that no weight was trained on, over the machine's movies.
    """
    if rbm.prior is not None:
        fitted = replace(rbm, calibration=_fit_with_prior(rbm, rbm.prior, validation))
        slope, shift = _fit_like(fitted, validation)
        calibration = fitted.calibration._replace(like_slope=slope, like_shift=shift)
        return replace(rbm, calibration=calibration)
    # One weight at a time: `score_user` then returns that part of the logit.
    alone = (replace(rbm, calibration=Calibration(*row)) for row in np.eye(4))
    X = np.stack([_logits(machine, validation) for machine in alone], axis=1)
    weights = fit_logistic(X, validation.hidden.liked, np.array(TYPICAL[:4]))
    return replace(rbm, calibration=Calibration(*map(float, weights)))


def fit_logistic(
    X: NDArray[np.floating],
    liked: NDArray[np.bool_],
    prior: NDArray[np.floating],
    *,
    offset: NDArray[np.floating] | float = 0.0,
    weights: NDArray[np.floating] | float = 1.0,
    precision: float = PRIOR,
) -> NDArray[np.float64]:
    """w of P(like) = σ(X w + offset) that minimises log-loss + precision/2 ‖w - prior‖², convex.

    Parameters
    ----------
    X : array, shape (n_ratings, n_weights)
    liked : bool array, shape (n_ratings,)
    prior : array, shape (n_weights,)
    offset : array, shape (n_ratings,), optional
    weights : array, shape (n_ratings,), optional
        What each rating's loss is multiplied by.
    precision : float

    Returns
    -------
    float64 array, shape (n_weights,)
    """

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        x, away = X @ w + offset, w - prior
        value = (weights * (softplus(x) - liked * x)).sum() + precision / 2 * (away @ away)
        return float(value), X.T @ (weights * (sigmoid(x) - liked)) + precision * away

    return np.asarray(minimize(loss, prior, jac=True, method="L-BFGS-B").x)


def _logits(rbm: RBM, held_out: HeldOut) -> NDArray[np.float64]:
    """Logit of P(like | seen) of every hidden rating, shape (n_hidden_ratings,)."""
    logits = [np.empty(0)]
    for row in range(held_out.given.n_users):
        _, probability = rbm.score_user(*held_out.given.user(row))
        p = np.clip(probability[held_out.hidden.user(row)[0]].astype(np.float64), 1e-7, 1 - 1e-7)
        logits.append(np.log(p / (1 - p)))
    return np.concatenate(logits)


def _fit_with_prior(rbm: RBM, prior: Prior, validation: HeldOut) -> Calibration:
    """Fit the weights of h, d and log(N / N0); that of logit e stays 1, and the shift 0.

    Every number of given ratings has the same weight, and a user that of 10 √(hidden ratings)
    ratings, so that neither long profiles nor one number of ratings decides.
    """
    validation = validation.first_users(MAX_USERS)
    n_users = validation.given.n_users
    thinned = [first_ratings(validation, n, salt=SALT) for n in GIVEN]
    judged = [held_out for held_out in (*thinned, validation) if held_out.hidden.n_ratings]
    if not judged:
        return TYPICAL_WITH_PRIOR
    features, weights = [], []
    for held_out in judged:
        features.append(_features(rbm, prior, held_out))
        per_user = held_out.hidden.ratings_per_user[held_out.hidden.user_rows]
        rating = 1 / np.sqrt(per_user)
        weights.append(rating / rating.sum() * RATINGS_PER_USER * n_users / len(judged))
    hidden, person, length = fit_logistic(
        np.concatenate(features),
        np.concatenate([held_out.hidden.liked for held_out in judged]),
        np.array(TYPICAL_WITH_PRIOR)[[0, 2, 4]],
        offset=np.concatenate([prior.like_share[h.hidden.movie_rows] for h in judged]),
        weights=np.concatenate(weights),
        precision=PRECISION,
    )
    return Calibration(float(hidden), 1.0, float(person), 0.0, float(length))


def _features(rbm: RBM, prior: Prior, held_out: HeldOut) -> NDArray[np.float64]:
    """(W[i,L] - W[i,D]) (h - h0), d and log(N / N0) of every hidden rating, shape (n, 3)."""
    average = prior.average_hidden(rbm.b)
    found = []
    for row in range(held_out.given.n_users):
        given, (movies, _) = Given(*held_out.given.user(row)), held_out.hidden.user(row)
        user_bias, _, length = calibration_features(prior, given)
        difference = rbm.W[movies, LIKE] - rbm.W[movies, DISLIKE]
        hidden = difference @ (fold_in(rbm, *given[:2]) - average)
        same = np.ones(len(movies))
        found.append(np.stack((hidden, user_bias * same, length * same), axis=1))
    return np.concatenate(found)


def _fit_like(rbm: RBM, validation: HeldOut) -> tuple[float, float]:
    """Fit slope and shift of the logit of P(like), over the first 100 movies of each list.

    These are what lists show. Over all movies the fit would be that of the many thousands which
    hardly any user sees; for them the logit is right as it is, hence the minimum of the two. The
    slope of `rbm` is 1 and its shift 0: its P(like) has the logit to calibrate.
    """
    logits, likes = [np.empty(0)], [np.empty(0, dtype=np.bool_)]
    for n in LIKE_GIVEN:
        held_out = first_ratings(validation.first_users(MAX_LIKE_USERS), n, salt=SALT)
        for row in range(held_out.given.n_users):
            given, (movies, liked) = held_out.given.user(row), held_out.hidden.user(row)
            like, _ = rbm.score_user(*given)
            first = rank(like, rbm.movie_ids, exclude=given[0], limit=LIKE_DEPTH)
            p = np.clip(like[first].astype(np.float64), 1e-7, 1 - 1e-7)
            logits.append(np.log(p) - np.log1p(-p))
            likes.append(np.isin(first, movies[liked]))
    X = np.concatenate(logits)
    fitted = fit_logistic(
        np.stack((X, np.ones_like(X)), axis=1), np.concatenate(likes), np.array([1.0, 0.0])
    )
    return max(float(fitted[0]), MIN_SLOPE), float(fitted[1])

"""What is computed once after training: prior, couplings and calibration; the weights stay.

The strength and l2 of the couplings are chosen on validation users by NDCG@100, with 10 ratings and
with all given: a choice among a few sums on top of the same logits, without another training.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from data.splitting import first_ratings
from model.calibration import TYPICAL, TYPICAL_WITH_PRIOR, calibrate
from model.couplings import Couplings, fit_couplings
from model.fold_in import fold_in, visible_inputs
from model.metrics import ndcg
from model.prior import fit_prior
from model.rbm import DISLIKE, LIKE, softplus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import HeldOut
    from model.config import Config
    from model.prior import Prior
    from model.rbm import RBM

__all__ = ["Fits", "as_finished", "finish", "finish_with"]

# On ml-latest-small NDCG@100 is flat for strengths 5 to 14 and l2 1.5 to 5. On generated data with
# planted tastes small l2 did harm, and 15 with strengths 4 to 8 little or no good.
STRENGTHS, L2S = (0.0, 4.0, 8.0), (2.5, 15.0)
# Without validation users.
STRENGTH, L2 = 8.0, 2.5
# Ratings given by the validation users that the couplings are chosen on, besides all.
GIVEN = 10
# Validation users at most: NDCG@100 of 300 users has a standard error near .015, the difference of
# two strengths one near .002.
MAX_USERS = 300
DEPTH = 100
# Users per product, and their scores: 10 MB in float64 for likes and dislikes.
USERS_AT_ONCE, SCORES_AT_ONCE = 64, 640_000
SALT = "couplings"


def finish(trained: RBM, training: Interactions, validation: HeldOut | None, config: Config) -> RBM:
    """Fit prior, couplings and calibration to a trained machine.

    On one thread of BLAS, so that the bits do not depend on the number of threads. The classic
    machine gets a calibration alone: unrated movies are no part of its energy, hence its P(h | v)
    is right for few ratings, and it has no P(like) that couplings could change.

    Parameters
    ----------
    trained : RBM
        What `Trainer.rbm` returns; not changed.
    training : Interactions
        What it was trained on.
    validation : HeldOut or None
        Users that no weight was trained on, over the same movies. Without any, couplings and
        calibration are those that are typical.
    config : Config

    Returns
    -------
    RBM
        With the same weights.
    """
    fits = Fits(
        lambda rbm: fit_prior(rbm, training, config),
        lambda l2: fit_couplings(training, 1.0, l2, config.coupling_neighbours),
    )
    return finish_with(fits, trained, validation, config)


class Fits(NamedTuple):
    """What is fitted to the training users, wherever these are."""

    prior: Callable[[RBM], Prior]  # of a machine
    couplings: Callable[[float], Couplings]  # of strength 1, by l2


def finish_with(fits: Fits, trained: RBM, validation: HeldOut | None, config: Config) -> RBM:
    """Finish a machine as `finish` does, which names the arguments."""
    with threadpool_limits(limits=1, user_api="blas"):
        if validation is not None and validation.given.n_users == 0:
            validation = None
        bare = replace(trained, prior=None, couplings=None)
        if trained.classic:
            return calibrate(bare, validation) if validation else replace(bare, calibration=TYPICAL)
        rbm = replace(bare, prior=fits.prior(bare), calibration=TYPICAL_WITH_PRIOR)
        rbm = replace(rbm, couplings=_choose_couplings(rbm, fits, validation, config))
        return calibrate(rbm, validation) if validation else rbm


def as_finished(config: Config, rbm: RBM) -> Config:
    """Return the configuration with the settings that were chosen for the machine's couplings.

    To finish another machine, trained on more users, in the same way.
    """
    if rbm.couplings is None:
        return config.model_copy(update={"coupling_strength": 0.0})
    chosen = {"coupling_strength": rbm.couplings.strength, "coupling_l2": rbm.couplings.l2}
    return config.model_copy(update=chosen)


def _choose_couplings(
    rbm: RBM, fits: Fits, validation: HeldOut | None, config: Config
) -> Couplings | None:
    """Return the couplings with the largest NDCG@100, the first of equals; None: strength 0."""
    strengths = STRENGTHS if config.coupling_strength is None else (config.coupling_strength,)
    l2s = L2S if config.coupling_l2 is None else (config.coupling_l2,)
    if validation is None:
        strengths = (STRENGTH if len(strengths) > 1 else strengths[0],)
        l2s = (L2 if len(l2s) > 1 else l2s[0],)
    if not any(strengths):
        return None
    fitted = [fits.couplings(l2) for l2 in l2s]
    candidates: list[Couplings | None] = [None] if 0.0 in strengths else []
    candidates += [
        couplings.of_strength(strength)
        for strength, couplings in product(filter(None, strengths), fitted)
    ]
    if validation is None or len(candidates) == 1:
        return candidates[0]
    few = first_ratings(validation.first_users(MAX_USERS), GIVEN, salt=SALT)
    judged = few, validation.first_users(MAX_USERS)
    scores = sum(_ndcg_of_each(rbm, held_out, candidates) for held_out in judged)
    return candidates[int(np.argmax(scores))]


def _ndcg_of_each(
    rbm: RBM, held_out: HeldOut, candidates: Sequence[Couplings | None]
) -> NDArray[np.float64]:
    """Mean NDCG@100 of held-out users with each of the couplings, shape (n_candidates,).

    They add to the same logits, which are computed for some users at a time: in all, these would
    take as much memory as the weights.
    """
    n_users = held_out.given.n_users
    if not n_users:
        return np.zeros(len(candidates))
    at_once = min(max(SCORES_AT_ONCE // rbm.n_movies, 1), USERS_AT_ONCE)
    blocks = [
        _ndcg_of_block(rbm, held_out.select_users(rows), candidates)
        for rows in np.split(np.arange(n_users), range(at_once, n_users, at_once))
    ]
    return np.concatenate(blocks, axis=1).mean(axis=1)


def _ndcg_of_block(
    rbm: RBM, held_out: HeldOut, candidates: Sequence[Couplings | None]
) -> NDArray[np.float64]:
    """NDCG@100 of each user with each of the couplings, shape (n_candidates, n_users)."""
    given, hidden = held_out.given, held_out.hidden
    H = np.stack([fold_in(rbm, *given.user(row)) for row in range(given.n_users)])
    x = visible_inputs(rbm, H, given.ratings_per_user.astype(np.float64))
    logits = x[..., LIKE] - softplus(x[..., DISLIKE])
    logits[given.user_rows, given.movie_rows] = -np.inf
    likes = given.user_rows[given.liked], given.movie_rows[given.liked]
    ones = np.ones(len(likes[0]), dtype=np.float32)
    liked = sparse.csr_array((ones, likes), shape=logits.shape)
    hidden_likes = _cells(hidden)[hidden.liked]
    depth = min(DEPTH, given.n_movies)
    found = np.empty((len(candidates), given.n_users))
    for own, couplings in zip(found, candidates, strict=True):
        scores = logits
        if couplings is not None:
            scores = logits + (liked @ couplings.matrix()).toarray()
        top = np.argpartition(-scores, depth - 1, axis=1)[:, :depth]
        order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1, kind="stable")
        top = np.take_along_axis(top, order, axis=1)
        hits = np.isin(top + np.arange(given.n_users)[:, np.newaxis] * given.n_movies, hidden_likes)
        own[:] = ndcg(hits, hidden.likes_per_user, DEPTH)
    return found


def _cells(users: Interactions) -> NDArray[np.int64]:
    """Place of each rating in a matrix of users and movies."""
    return users.user_rows * users.n_movies + users.movie_rows

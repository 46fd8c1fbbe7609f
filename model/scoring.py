"""Scores for one user: both probabilities of every movie, a ranking, and the explanations.

The service and the evaluation call the same functions, the evaluation for a block of users whose
products are one; see `model.fold_in`.
NumPy alone; nothing here is needed for training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from model.draws import sample_hidden, sample_states
from model.fold_in import (
    WHOLE,
    Given,
    add_to_likes,
    drawn_hidden_input,
    each_visible_input,
    fold_in,
    hidden_input,
    leave_one_out,
    visible_input,
    visible_inputs,
    without_each,
)
from model.rbm import DISLIKE, LIKE, sigmoid, softplus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from model.prior import Prior
    from model.rbm import RBM

__all__ = [
    "GIBBS_STEPS",
    "calibration_features",
    "effects",
    "like_logit",
    "of_movies",
    "rank",
    "sample_user",
    "score_user",
    "score_users",
]

# Gibbs steps (v, h) of a sampled list, starting from the user's own hidden probabilities.
GIBBS_STEPS = 10
# Movies explained per product, always this number: the last bit of a product depends on its shape,
# and an effect must not depend on how many other movies are explained.
TARGETS = 8
# Added to the number of ratings in the user bias, which shrinks it towards 0.
USER_BIAS_DAMPING = 5
# Added to the variance of the user's likes instead, in a machine with a prior.
USER_BIAS_VARIANCE = 2.4


def score_user(
    rbm: RBM,
    movie_rows: NDArray[np.integer],
    liked: NDArray[np.bool_],
    *,
    weights: NDArray[np.floating] | None = None,
    like_shift: NDArray[np.floating] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P(like) and calibrated P(like | seen) of every movie, by one upward and one downward pass.

    Mean field: the hidden units take the probabilities h of `model.fold_in`, then

        P(like)        = σ(min(l, like_slope l + like_shift)),    l = x[i,L] - softplus(x[i,D])
        P(like | seen) = σ(hidden (W[i,L] - W[i,D]) (h - h0) + film logit e[i]
                           + person d + shift + length log(N / N0))

    with the weights of ``rbm.calibration``, e the movies' shares of likes, the symbols of
    `model.prior`, and the user bias

        d = Σ_r (liked[r] - e[r]) / (Σ_r e[r] (1 - e[r]) + 2.4)

    The calibration leaves the order of the movies as it is. Without ratings x is that of the base
    rates. Without a prior P(like) is not calibrated, and

        P(like | seen) = σ(hidden (W[i,L] - W[i,D]) h + film (a[i,L] - a[i,D]) + person d + shift)
        d = Σ_r (liked[r] - σ(a[r,L] - a[r,D])) / (n_ratings + 5)

    The classic machine has no P(like) and ranks by the uncalibrated σ(x[i,L] - x[i,D]).

    Parameters
    ----------
    rbm : RBM
    movie_rows : int array, shape (n_ratings,)
        Movies that the user has rated, as positions in ``rbm.movie_ids``.
    liked : bool array, shape (n_ratings,)
    weights : float array, shape (n_ratings,), optional
        Weight of each rating, not negative, e.g. less for old ones; default: 1 each.
    like_shift : float array, shape (n_movies,), optional
        Added to x[i,L] for P(like), e.g. for recency.

    Returns
    -------
    like, like_given_seen : float32 arrays, shape (n_movies,)
    """
    given = Given(movie_rows, liked, weights)
    h = fold_in(rbm, movie_rows, liked, weights=weights)
    return _mean_field(rbm, visible_input(rbm, h, given.n), given, like_shift)


def score_users(
    rbm: RBM, users: Sequence[Given]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield what `score_user` gives for each user, but for the last bits: one product for all.

    One user takes as long as the weights take to be read from memory; here they are read once.

    Parameters
    ----------
    rbm : RBM
    users : sequence of Given
        Memory: 8 bytes for each of them and each movie.

    Yields
    ------
    like, like_given_seen : float32 arrays, shape (n_movies,)
    """
    H = np.array([fold_in(rbm, *user[:2], weights=user.weights) for user in users])
    for user, x in zip(users, each_visible_input(rbm, H, [u.n for u in users]), strict=True):
        yield _mean_field(rbm, x, user, None)


def sample_user(
    rbm: RBM,
    movie_rows: NDArray[np.integer],
    liked: NDArray[np.bool_],
    rng: np.random.Generator,
    n_steps: int = GIBBS_STEPS,
    *,
    weights: NDArray[np.floating] | None = None,
    like_shift: NDArray[np.floating] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P(like) and calibrated P(like | seen) of every movie, given a sample of h.

    With a prior, the user's θ is drawn around its estimate from the ratings (`Prior.draw`), and
    h = σ(b + N θ): independent draws, which need no chain. Without one, a Gibbs chain with the
    user's ratings clamped: from h ~ P(h | v), `n_steps` steps of

        v_i ~ P(v_i | h) for every unrated movie i,    h ~ P(h | v)

    and then the probabilities given the last h, as in `score_user`. In the classic machine the
    unrated movies are not part of v, so every step draws from the same P(h | v): one draw.

    Parameters
    ----------
    rbm, movie_rows, liked, weights, like_shift
        As in `score_user`.
    rng : numpy.random.Generator
    n_steps : int
        Of the chain.

    Returns
    -------
    like, like_given_seen : float32 arrays, shape (n_movies,)
    """
    given = Given(movie_rows, liked, weights)
    if rbm.prior is not None:
        h = sigmoid(drawn_hidden_input(rbm, given, rng)).astype(np.float32)
    else:
        h = _last_of_chain(rbm, given, rng, 0 if rbm.classic else n_steps)
    return _probabilities(rbm, visible_input(rbm, h, given.n), given, like_shift)


def effects(
    rbm: RBM,
    movie_rows: NDArray[np.integer],
    liked: NDArray[np.bool_],
    targets: NDArray[np.integer],
    *,
    weights: NDArray[np.floating] | None = None,
    like_shift: NDArray[np.floating] | None = None,
) -> NDArray[np.float32]:
    """Leave-one-out effect of each rating on the score of each target movie.

        effect[i, r] = logit P(like i | all ratings) - logit P(like i | all but rating r)

    Exact, the changes of n, θ, activity and couplings included; effects of several ratings do not
    add up.

    Parameters
    ----------
    rbm, movie_rows, liked, weights, like_shift
        As in `score_user`.
    targets : int array, shape (n_targets,)
        Movie rows to explain.

    Returns
    -------
    float32 array, shape (n_targets, n_ratings)
    """
    given = Given(movie_rows, liked, weights)
    n = len(movie_rows)
    result = np.empty((len(targets), n), dtype=np.float32)
    if not n:
        return result
    h = fold_in(rbm, movie_rows, liked, weights=weights)
    padded = np.resize(targets, -(-len(targets) // TARGETS) * TARGETS).reshape(-1, TARGETS)
    parts = [of_movies(rbm, rows) for rows in padded]
    added = [_added_to_likes(rbm, rows, given, like_shift) for rows in padded]
    scores = [
        like_logit(rbm, _with_likes(visible_input(part, h, given.n), more.sum(axis=1)))
        for part, more in zip(parts, added, strict=True)
    ]
    n_left = without_each(given)
    for begin, H in leave_one_out(rbm, given):
        left = n_left if len(n_left) == 1 else n_left[begin : begin + len(H)]
        for chunk, (part, more) in enumerate(zip(parts, added, strict=True)):
            others = more.sum(axis=1) - more[:, begin : begin + len(H)].T
            without = like_logit(rbm, _with_likes(visible_inputs(part, H, left), others))
            target_rows = slice(chunk * TARGETS, (chunk + 1) * TARGETS)
            block = result[target_rows, begin : begin + len(H)]
            block[:] = (scores[chunk] - without).T[: len(block)]
    return result


def rank(
    scores: NDArray[np.floating],
    movie_ids: NDArray[np.integer],
    exclude: NDArray[np.integer] | None = None,
    limit: int | None = None,
) -> NDArray[np.int64]:
    """Rows of the movies by falling score, ties by rising movie id.

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
        # >= keeps every movie that ties with the last one, so that the id decides among them all
        candidates = kept >= np.partition(kept, at)[at]
        rows, kept = rows[candidates], kept[candidates]
    return rows[np.lexsort((movie_ids[rows], -kept))][:limit]


def of_movies(rbm: RBM, rows: NDArray[np.integer]) -> RBM:
    """Return the machine of some movies alone, without their couplings.

    With a prior, in double precision: a product of matrices in float32 is off by up to 3e-6.
    """
    part = replace(rbm, W=rbm.W[rows], a=rbm.a[rows], movie_ids=rbm.movie_ids[rows], couplings=None)
    if rbm.prior is None:
        return part
    return replace(part, W=part.W.astype(np.float64), prior=rbm.prior.of_movies(rows))


def like_logit(rbm: RBM, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Logit of the score from x, shape (..., n_movies, 2).

    P(like) = exp(x[L]) / (1 + exp(x[L]) + exp(x[D])), hence logit P(like) = x[L] - softplus(x[D]),
    calibrated with a prior; in the classic machine x[L] - x[D].
    """
    if rbm.classic:
        return x[..., LIKE] - x[..., DISLIKE]
    return _calibrated(rbm, x[..., LIKE] - softplus(x[..., DISLIKE]))


def _last_of_chain(
    rbm: RBM, given: Given, rng: np.random.Generator, n_steps: int
) -> NDArray[np.float32]:
    """h after `n_steps` Gibbs steps with the ratings clamped."""
    clamped = hidden_input(rbm, given.columns, weights=given.weights)
    free = np.ones(rbm.n_movies, dtype=np.bool_)
    free[given.movie_rows] = False
    h = sample_hidden(sigmoid(clamped), rng)
    for _ in range(n_steps):
        drawn = sample_states(visible_input(rbm, h, given.n), rng)
        drawn = drawn[free[drawn // 2]]
        h = sample_hidden(sigmoid(hidden_input(rbm, drawn, start=clamped, block=WHOLE)), rng)
    return h


def _added_to_likes(
    rbm: RBM,
    targets: NDArray[np.integer],
    given: Given,
    like_shift: NDArray[np.floating] | None,
) -> NDArray[np.floating]:
    """Terms of x[i,L] besides those of `visible_input`: one per rating, the last one for itself."""
    terms = np.zeros((len(targets), len(given.movie_rows) + 1))
    if rbm.couplings is not None:
        terms[:, :-1] = rbm.couplings.between(targets, given.movie_rows) * given.liked
        if given.weights is not None:
            terms[:, :-1] *= given.weights
    if like_shift is not None:
        terms[:, -1] = like_shift[targets]
    return terms


def _with_likes(x: NDArray[np.floating], more: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return x, changed by adding these terms to x[..., L]."""
    x[..., LIKE] += more
    return x


def _mean_field(
    rbm: RBM, x: NDArray[np.floating], given: Given, like_shift: NDArray[np.floating] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P(like) and calibrated P(like | seen), see `score_user`; changes x."""
    like, given_seen = _probabilities(rbm, x, given, like_shift)
    if rbm.prior is not None and not len(given.movie_rows):
        popularity = rbm.prior.popularity
        logit = popularity if like_shift is None else popularity + like_shift
        like = sigmoid(_calibrated(rbm, logit)).astype(np.float32)
    return like, given_seen


def _probabilities(
    rbm: RBM, x: NDArray[np.floating], given: Given, like_shift: NDArray[np.floating] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P(like) and calibrated P(like | seen) from x without couplings; changes x."""
    given_seen = _like_given_seen(rbm, x, given)
    add_to_likes(rbm, x, given, like_shift)
    like = sigmoid(like_logit(rbm, x))
    return like if rbm.prior is None else like.astype(np.float32), given_seen


def _like_given_seen(rbm: RBM, x: NDArray[np.floating], given: Given) -> NDArray[np.float32]:
    """Calibrated P(like | seen) of every movie from x without couplings, see `score_user`."""
    gap = x[:, LIKE] - x[:, DISLIKE]
    if rbm.prior is not None:
        offset = rbm.prior.visible_offset(given.n)
        features = calibration_features(rbm.prior, given)
        logit = rbm.calibration.hidden * (gap - (offset[:, LIKE] - offset[:, DISLIKE]))
        logit += rbm.calibration.film * rbm.prior.like_share
        logit += np.dot(rbm.calibration[2:5], features)
        return sigmoid(logit).astype(np.float32)
    hidden, film, person, shift = map(np.float32, rbm.calibration[:4])
    bias = rbm.a[:, LIKE] - rbm.a[:, DISLIKE]
    user = person * _user_bias(rbm, given) + shift
    return sigmoid(hidden * (gap - bias) + film * bias + user)


def calibration_features(prior: Prior, given: Given) -> tuple[float, float, float]:
    """d, 1 and log(N / N0): factors of `person`, `shift` and `length` in `Calibration`."""
    weights = 1.0 if given.weights is None else given.weights
    expected = sigmoid(prior.like_share[given.movie_rows].astype(np.float64))
    variance = (weights * expected * (1 - expected)).sum()
    user_bias = (weights * (given.liked - expected)).sum() / (variance + USER_BIAS_VARIANCE)
    longer = np.log(prior.profile_length(given.n) / prior.length)
    return float(user_bias), 1.0, float(longer)


def _user_bias(rbm: RBM, given: Given) -> np.float32:
    """d of a machine without a prior, see `score_user`."""
    a = rbm.a[given.movie_rows]
    unexpected = given.liked - sigmoid(a[:, LIKE] - a[:, DISLIKE])
    if given.weights is not None:
        unexpected *= given.weights
    return np.float32(unexpected.sum() / (given.n + USER_BIAS_DAMPING))


def _calibrated(rbm: RBM, logit: NDArray[np.floating]) -> NDArray[np.floating]:
    """min(logit, like_slope logit + like_shift) with a prior, else the logit as it is."""
    if rbm.prior is None:
        return logit
    return np.minimum(logit, rbm.calibration.like_slope * logit + rbm.calibration.like_shift)

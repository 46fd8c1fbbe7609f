"""What one user gets: both probabilities of every movie, a ranking, and the reasons.

The service and the evaluation call the same functions, one user per product: the rows of a
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

__all__ = ["GIBBS_STEPS", "effects", "rank", "sample_user", "score_user"]

# Rounds of (v, h) that a sampled list is away from the user's own hidden probabilities.
GIBBS_STEPS = 10
# Ratings whose weights are worked on at a time, so that they stay in the processor's cache:
# measured with 2,700 ratings x 500 hidden units, half the time of all at once.
BLOCK = 128
# Movies that are explained per product, always so many: the last bit of a product depends on its
# shape, and an effect must not depend on how many other movies are explained.
TARGETS = 8
# Ratings as other people's that a user is assumed to have given before their own are counted.
LEANING_DAMPING = 5
# exp() of a larger input is infinite in float32; a probability is 1 long before it.
MAX_INPUT = np.float32(80)


def score_user(
    rbm: RBM, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P(like) and calibrated P(like | seen) of every movie, by one upward and one downward pass.

    Mean field: the hidden units take their probabilities, ``h = P(h | v)``, then

        P(like)        = exp(x[i,L]) / (1 + exp(x[i,L]) + exp(x[i,D]))
        P(like | seen) = σ(hidden (W[i,L] - W[i,D]) h + movie (a[i,L] - a[i,D]) + person d + shift)

    with the weights of ``rbm.calibration`` and the user's leaning

        d = sum_r (liked[r] - σ(a[r,L] - a[r,D])) / (n_ratings + 5)

    The classic machine has no P(like); there the bare σ(x[i,L] - x[i,D]) ranks.

    Parameters
    ----------
    rbm : RBM
    movie_rows : int array, shape (n_ratings,)
        Movies that the user has rated, as positions in ``rbm.movie_ids``.
    liked : bool array, shape (n_ratings,)

    Returns
    -------
    like, like_given_seen : float32 arrays, shape (n_movies,)
    """
    h = sigmoid(_hidden_input(rbm, movie_rows, liked))
    x = _visible_input(rbm, h, len(movie_rows))
    return _probabilities(rbm, x, _user_bias(rbm, movie_rows, liked))


def sample_user(
    rbm: RBM,
    movie_rows: NDArray[np.integer],
    liked: NDArray[np.bool_],
    rng: np.random.Generator,
    n_steps: int = GIBBS_STEPS,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P(like) and calibrated P(like | seen) of every movie, given a sampled mood of the user.

    A Gibbs chain with the user's ratings clamped: from h ~ P(h | v), `n_steps` rounds of

        v_i ~ P(v_i | h) for every unrated movie i,    h ~ P(h | v)

    and then the probabilities given the last h, as in `score_user`. In the classic machine the
    unrated movies are no part of v, so that every round draws from the same P(h | v): one draw.

    Parameters
    ----------
    rbm, movie_rows, liked
        As in `score_user`.
    rng : numpy.random.Generator
    n_steps : int

    Returns
    -------
    like, like_given_seen : float32 arrays, shape (n_movies,)
    """
    clamped = _hidden_input(rbm, movie_rows, liked)
    free = np.ones(rbm.n_movies, dtype=np.bool_)
    free[movie_rows] = False
    h = _draw(sigmoid(clamped), rng)
    for _ in range(0 if rbm.classic else n_steps):
        drawn = _draw_unrated(_visible_input(rbm, h, len(movie_rows)), free, rng)
        h = _draw(sigmoid(clamped + rbm.weights[drawn].sum(axis=0)), rng)
    x = _visible_input(rbm, h, len(movie_rows))
    return _probabilities(rbm, x, _user_bias(rbm, movie_rows, liked))


def effects(
    rbm: RBM,
    movie_rows: NDArray[np.integer],
    liked: NDArray[np.bool_],
    targets: NDArray[np.integer],
) -> NDArray[np.float32]:
    """How each rating moves the score of each target movie, by leaving it out.

        effect[i, r] = logit P(like i | all ratings) - logit P(like i | all but rating r)

    Exact, the change of the user's activity included; effects of several ratings do not add up.

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
    n = len(movie_rows)
    result = np.empty((len(targets), n), dtype=np.float32)
    if not n:
        return result
    total = _hidden_input(rbm, movie_rows, liked)
    sent = columns(movie_rows, liked)
    padded = np.resize(targets, -(-len(targets) // TARGETS) * TARGETS).reshape(-1, TARGETS)
    W = [rbm.W[rows].reshape(-1, rbm.n_hidden) for rows in padded]
    t_whole, t = activity(n, rbm.mean_ratings), activity(n - 1, rbm.mean_ratings)
    whole = [
        _logit(rbm, w @ sigmoid(total) + rbm.a[rows].reshape(-1) + t_whole)
        for w, rows in zip(W, padded, strict=True)
    ]
    for begin in range(0, n, BLOCK):
        H = sigmoid(total - rbm.weights[sent[begin : begin + BLOCK]])
        for chunk, rows in enumerate(padded):
            without = _logit(rbm, H @ W[chunk].T + rbm.a[rows].reshape(-1) + t)
            places = slice(chunk * TARGETS, (chunk + 1) * TARGETS)
            kept = result[places, begin : begin + BLOCK]
            kept[:] = (whole[chunk] - without).T[: len(kept)]
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


def _hidden_input(
    rbm: RBM, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """b[j] + sum_is v[i,s] W[i,s,j] for one user, shape (n_hidden,)."""
    sent = columns(movie_rows, liked)
    received = rbm.b.copy()
    for begin in range(0, len(sent), BLOCK):
        received += rbm.weights[sent[begin : begin + BLOCK]].sum(axis=0)
    return received


def _visible_input(rbm: RBM, h: NDArray[np.float32], n_ratings: int) -> NDArray[np.float32]:
    """x[i,s] for one user, shape (n_movies, 2)."""
    x = (rbm.weights @ h).reshape(rbm.n_movies, 2)
    return x + rbm.a + activity(n_ratings, rbm.mean_ratings)


def _probabilities(
    rbm: RBM, x: NDArray[np.float32], user_bias: np.float32
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """P(like) and calibrated P(like | seen), see `score_user`."""
    hidden, film, person, shift = map(np.float32, rbm.calibration)
    bias = rbm.a[:, LIKE] - rbm.a[:, DISLIKE]
    gap = x[:, LIKE] - x[:, DISLIKE]
    given_seen = sigmoid(hidden * (gap - bias) + film * bias + (person * user_bias + shift))
    return sigmoid(gap if rbm.classic else _like_logit(x)), given_seen


def _user_bias(rbm: RBM, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]) -> np.float32:
    """How much more than others this user likes the movies that they rated, drawn to 0."""
    a = rbm.a[movie_rows]
    expected = sigmoid(a[:, LIKE] - a[:, DISLIKE])
    return np.float32((liked - expected).sum() / (len(movie_rows) + LEANING_DAMPING))


def _draw(probability: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """h_j = 1 with the given probability."""
    return (rng.random(len(probability), dtype=np.float32) < probability).astype(np.float32)


def _draw_unrated(
    x: NDArray[np.float32], free: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Columns of V that are set by one draw of the free movies from P(v_i = s | h).

    With one number u, uniform in [0, 1), and the normaliser n = 1 + exp(x[L]) + exp(x[D]):
    like where u n < exp(x[L]), dislike where exp(x[L]) <= u n < exp(x[L]) + exp(x[D]), else unseen.
    """
    weight = np.exp(np.minimum(x, MAX_INPUT))
    like = weight[:, LIKE]
    seen = like + weight[:, DISLIKE]
    u = rng.random(len(x), dtype=np.float32) * (1 + seen)
    rows = np.flatnonzero((u < seen) & free)
    return columns(rows, u[rows] < like[rows])


def _logit(rbm: RBM, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Logit of the score from x[i,s], whose last axis is that of the columns of V."""
    x = x.reshape(*x.shape[:-1], -1, 2)
    return x[..., LIKE] - x[..., DISLIKE] if rbm.classic else _like_logit(x)


def _like_logit(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """logit P(like) = x[L] - log(1 + exp(x[D])), since P(like) = e^x[L] / (1 + e^x[L] + e^x[D])."""
    return x[..., LIKE] - softplus(x[..., DISLIKE])

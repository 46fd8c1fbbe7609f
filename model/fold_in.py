"""Fold-in: the hidden probabilities and visible inputs of one user, from the user's ratings.

With ratings r = 1 .. n of movies i_r in states s_r (like or dislike), symbols as in `model.rbm`:

    upward      h = σ(b + N θ(n, Σ_r W[i_r, s_r]))            shape (n_hidden,), `model.prior`
    downward    x = a + t + W h + g(n) δ                      shape (n_movies, 2)

and for a machine without a prior

    upward      h = σ(b + Σ_r W[i_r, s_r])
    downward    x = a + t + W h                               t the activity of n ratings

Couplings add Σ_r S[i, i_r] over the likes to x[i,L]. Where ratings have weights w_r, n is Σ_r w_r
and each term of a sum over ratings is multiplied by w_r.

Every single-user computation calls these functions: scores, explanations, Gibbs samples and
features. The float32 result depends on the user alone: the rows of a product of several users
differ in the last bit with their number. Batches: `model.rbm` (reference), `model.kernels`
(compiled). NumPy alone, for serving.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from model.rbm import LIKE, activity, columns, sigmoid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from model.rbm import RBM

__all__ = [
    "BLOCK",
    "WHOLE",
    "Given",
    "add_to_likes",
    "drawn_hidden_input",
    "each_visible_input",
    "fold_in",
    "hidden_input",
    "leave_one_out",
    "visible_input",
    "visible_inputs",
    "without_each",
]

# Rows of W that are summed at a time, so that they stay in the processor's cache: measured with
# 2,700 ratings x 500 hidden units, half the time of all at once.
BLOCK = 128
# One block for all rows; above 128 rows the last bits of the sum depend on the block.
WHOLE = sys.maxsize


class Given(NamedTuple):
    """The ratings of one user that are known.

    Parameters
    ----------
    movie_rows : int array, shape (n_ratings,)
        Rated movies, as positions in ``rbm.movie_ids``.
    liked : bool array, shape (n_ratings,)
    weights : float array, shape (n_ratings,), optional
        Weight of each rating, not negative; default: 1 each.
    """

    movie_rows: NDArray[np.integer]
    liked: NDArray[np.bool_]
    weights: NDArray[np.floating] | None = None

    @property
    def n(self) -> float:
        """Sum of the weights."""
        return len(self.movie_rows) if self.weights is None else float(self.weights.sum())

    @property
    def columns(self) -> NDArray[np.int32]:
        """Columns of V that the ratings set."""
        return columns(self.movie_rows, self.liked)


def fold_in(
    rbm: RBM,
    movie_rows: NDArray[np.integer],
    liked: NDArray[np.bool_],
    *,
    weights: NDArray[np.floating] | None = None,
    block: int = BLOCK,
) -> NDArray[np.float32]:
    """h, the hidden probabilities of one user; see the module.

    Parameters
    ----------
    rbm : RBM
    movie_rows, liked, weights
        See `Given`. Without ratings, h is that of the average user; without a prior, σ(b).
    block : int
        Rows of W per partial sum.

    Returns
    -------
    float32 array, shape (n_hidden,)
    """
    given = Given(movie_rows, liked, weights)
    if rbm.prior is None:
        return sigmoid(hidden_input(rbm, given.columns, weights=weights, block=block))
    received = rbm.prior.hidden_input(given.n, _sum(rbm, given))
    return sigmoid(rbm.b + received).astype(np.float32)


def drawn_hidden_input(rbm: RBM, given: Given, rng: np.random.Generator) -> NDArray[np.floating]:
    """b + N θ with θ drawn for this user (`Prior.draw`), float64 (n_hidden,); needs a prior."""
    if rbm.prior is None:
        raise ValueError("without a prior there is nothing to draw from")
    return rbm.b + rbm.prior.draw(given.n, _sum(rbm, given), rng)


def hidden_input(
    rbm: RBM,
    set_columns: NDArray[np.integer],
    *,
    start: NDArray[np.float32] | None = None,
    weights: NDArray[np.floating] | None = None,
    block: int = BLOCK,
) -> NDArray[np.float32]:
    """start[j] + Σ_c W[c, j] over the columns c of V that are 1, for one user.

    Parameters
    ----------
    rbm : RBM
    set_columns : int array, shape (n_ratings,)
        See `model.rbm.columns`.
    start : float32 array, shape (n_hidden,), optional
        Default: b. Not changed.
    weights : float array, shape (n_ratings,), optional
        What each column's weights are multiplied by.
    block : int
        Rows of W per partial sum.

    Returns
    -------
    float32 array, shape (n_hidden,)
    """
    total = (rbm.b if start is None else start).copy()
    for begin in range(0, len(set_columns), block):
        rows = rbm.weights[set_columns[begin : begin + block]]
        if weights is not None:
            rows *= np.asarray(weights[begin : begin + block], dtype=rows.dtype)[:, np.newaxis]
        total += rows.sum(axis=0)
    return total


def leave_one_out(rbm: RBM, given: Given) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield hidden probabilities without one rating at a time, `BLOCK` ratings per step.

    Parameters
    ----------
    rbm : RBM
    given : Given

    Yields
    ------
    begin : int
    H : float32 array, shape (<= BLOCK, n_hidden)
        Row k: h without rating begin + k.
    """
    steps, set_columns = range(0, len(given.movie_rows), BLOCK), given.columns
    if rbm.prior is None:
        total = hidden_input(rbm, set_columns, weights=given.weights)
        for begin in steps:
            yield begin, sigmoid(total - _weighted_rows(rbm, set_columns, given, begin))
        return
    # θ = θ of the sum with one rating less, less the part of the rating: the first is the same for
    # all ratings of weight 1, and only its sums are large enough to need double precision.
    prior, n_left = rbm.prior, without_each(given)
    whole = (_sum(rbm, given) - given.n * prior.mean) @ prior.up
    centre, shared = prior.mean @ prior.up, len(n_left) == 1
    for begin in steps:
        n = n_left if shared else n_left[begin : begin + BLOCK]
        shrinkage, length = prior.shrinkage(n), prior.profile_length(n)[:, np.newaxis]
        rest = rbm.b + length * (prior.mean + (whole * shrinkage) @ prior.down.T)
        lost = _weighted_rows(rbm, set_columns, given, begin) @ prior.up
        lost -= _weights(given, begin)[:, np.newaxis] * centre
        lost *= length * shrinkage
        yield begin, sigmoid(rest.astype(np.float32) - lost @ prior.down.T)


def without_each(given: Given) -> NDArray[np.float64]:
    """n without each rating: shape (n_ratings,), or (1,) where all weigh the same."""
    if given.weights is None:
        return np.array([given.n - 1.0])
    return np.maximum(given.n - given.weights.astype(np.float64), 0)


def visible_input(rbm: RBM, h: NDArray[np.float32], n: float) -> NDArray[np.floating]:
    """x[i,s] for one user, without couplings; see the module.

    Parameters
    ----------
    rbm : RBM
    h : float32 array, shape (n_hidden,)
        Hidden probabilities or states.
    n : float
        The user's ratings, or the sum of their weights.

    Returns
    -------
    array, shape (n_movies, 2)
        float32, with a prior float64: the logits are then as exact as the product.
    """
    return _with_offset(rbm, rbm.weights @ _sent(rbm, h), n)


def each_visible_input(
    rbm: RBM, H: NDArray[np.float32], n: Iterable[float]
) -> Iterator[NDArray[np.floating]]:
    """Yield `visible_input` of each row of H, but for the last bits: the weights are read once.

    Memory: 8 bytes for each user and movie, and one user's x.

    Parameters
    ----------
    rbm : RBM
    H : float32 array, shape (n_users, n_hidden)
    n : iterable of float
        Of each user, as in `visible_input`.
    """
    for product, n_of_user in zip(_sent(rbm, H) @ rbm.weights.T, n, strict=True):
        yield _with_offset(rbm, product, n_of_user)


def visible_inputs(
    rbm: RBM, H: NDArray[np.float32], n: NDArray[np.floating]
) -> NDArray[np.floating]:
    """x[i,s] for each row of H, without couplings, shape (len(H), n_movies, 2).

    Parameters
    ----------
    rbm : RBM
    H : float32 array, shape (m, n_hidden)
    n : array, shape (m,) or (1,)
        As in `visible_input`.
    """
    if rbm.prior is None:
        return rbm.visible_input(H, np.broadcast_to(activity(n, rbm.mean_ratings), len(H)))
    change = (H - rbm.prior.average_hidden(rbm.b)) @ rbm.weights.T
    return rbm.prior.visible_offset(n) + change.reshape(len(H), rbm.n_movies, 2)


def add_to_likes(
    rbm: RBM,
    x: NDArray[np.floating],
    given: Given,
    like_shift: NDArray[np.floating] | None = None,
) -> None:
    """Add to x[i,L] what the liked movies are coupled with, and `like_shift`; changes x.

    Parameters
    ----------
    rbm : RBM
    x : array, shape (n_movies, 2)
    given : Given
    like_shift : float array, shape (n_movies,), optional
    """
    if rbm.couplings is not None:
        liked, weights = given.liked, given.weights
        likes = given.movie_rows[liked]
        x[:, LIKE] += rbm.couplings.received(likes, None if weights is None else weights[liked])
    if like_shift is not None:
        x[:, LIKE] += like_shift


def _sent(rbm: RBM, h: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the weights are multiplied by: h, or h - h0 with a prior."""
    return h if rbm.prior is None else h - rbm.prior.average_hidden(rbm.b)


def _with_offset(rbm: RBM, product: NDArray[np.float32], n: float) -> NDArray[np.floating]:
    """Add to the product with the weights, shape (2 * n_movies,), what it leaves out of x."""
    x = product.reshape(rbm.n_movies, 2)
    if rbm.prior is None:
        return x + rbm.a + activity(n, rbm.mean_ratings)
    return rbm.prior.visible_offset(n) + x


def _sum(rbm: RBM, given: Given) -> NDArray[np.float64]:
    """s = Σ_r w_r W[i_r, s_r] in double precision, shape (n_hidden,)."""
    total = np.zeros(rbm.n_hidden)
    set_columns = given.columns
    for begin in range(0, len(set_columns), BLOCK):
        rows = rbm.weights[set_columns[begin : begin + BLOCK]]
        total += _weights(given, begin, np.float64) @ rows
    return total


def _weighted_rows(
    rbm: RBM, set_columns: NDArray[np.int32], given: Given, begin: int
) -> NDArray[np.float32]:
    """w_r W[i_r, s_r] of a block of ratings."""
    rows = rbm.weights[set_columns[begin : begin + BLOCK]]
    if given.weights is not None:
        rows *= _weights(given, begin)[:, np.newaxis]
    return rows


def _weights(
    given: Given, begin: int, dtype: type[np.floating] = np.float32
) -> NDArray[np.floating]:
    """w_r of a block of ratings."""
    block = slice(begin, begin + BLOCK)
    if given.weights is None:
        return np.ones(len(given.movie_rows[block]), dtype=dtype)
    return given.weights[block].astype(dtype)

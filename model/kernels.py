"""The fast path: the equations of `model.rbm` and `model.learning`, compiled, sparse, in parallel.

One update reads and draws ratings as lists of columns of V, never as a dense matrix; a downward
pass exists only one block of films at a time, which is drawn from while it is in the cache:

    upward       P = σ(b + V W)                    sums of rows of W
    draw_hidden  h ~ P
    downward     x = a + t + h Wᵀ, v ~ P(v | h)    the only dense product, by BLAS, and the draw
    pack         the drawn ratings as lists
    transpose    for each column of V, which users of the batch set it
    ascend       gradient, weight decay, momentum and update in one pass over W

Every random number is a function of (seed, step, place in the batch, unit), and every sum has a
fixed order: no result depends on the number of threads.

All arrays are C-contiguous. ``n`` is the number of users of the batch, ``C = 2 n_movies`` the
number of columns of V, ``J`` the number of hidden units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from model.philox import compiled, uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# Films per block of the downward pass: with 200 users it takes .8 MB, which the cache holds.
BLOCK = 512
# Hidden units per block of the upward pass: their part of W's frequent rows stays in the cache.
UNITS = 128
# Parts that users and films are dealt to one by one, so that all parts are equally much work.
PARTS = 16

ONE = np.float32(1)
LOG2_E = np.float32(1.4426950408889634)
# log 2 in two parts, the first with so few bits that its multiples are exact (Cody & Waite 1980).
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# exp() of a larger input is infinite in float32; a probability is 1 long before it.
LOWEST, HIGHEST = np.float32(-87), np.float32(80)


class Ratings(NamedTuple):
    """Ratings of the batch: ``columns[indptr[users[r]]:indptr[users[r] + 1]]`` for its person r."""

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    users: NDArray[np.int64]  # (n,)


class Draws(NamedTuple):
    """Draws of the batch: ``places[r, k * width:][:counts[r, k]]`` for person r and block k."""

    places: NDArray[np.int32]  # (n, n_movies)
    counts: NDArray[np.int32]  # (n, n_blocks)
    width: int  # films per block


class Touched(NamedTuple):
    """The batch column by column: ``rows[starts[c]:starts[c + 1]]``; r: data, n + r: draws."""

    starts: NDArray[np.int64]  # (C + 1,)
    rows: NDArray[np.int32]


class Hidden(NamedTuple):
    """Hidden probabilities of the batch, and the activity that they are counted from."""

    P: Floats  # (2 n, J), data above draws
    middle: Floats  # (J,)


class Rates(NamedTuple):
    """Learning rates of one update, and the share of the last one that is repeated."""

    W: np.float32
    a: np.float32
    momentum: np.float32


def block_width(n_movies: int) -> int:
    """Films per block: at most BLOCK, for a number of blocks that 2 and 4 threads share evenly."""
    n_blocks = -(-n_movies // (4 * BLOCK)) * 4
    return -(-n_movies // (4 * n_blocks)) * 4  # a multiple of what Philox gives at once


@compiled(inline=True)
def exponential(x: np.float32) -> np.float32:
    """exp(x) to 2 units in the last place, x cut to [-87, 80]; the polynomial is that of Cephes.

    Written out, since a compiler puts this into vector registers but not a call of exp().
    """
    x = max(min(x, HIGHEST), LOWEST)
    n = np.floor(x * LOG2_E + np.float32(0.5))
    r = x - n * LN2_HIGH - n * LN2_LOW
    y = np.float32(1.9875691500e-4)
    y = y * r + np.float32(1.3981999507e-3)
    y = y * r + np.float32(8.3334519073e-3)
    y = y * r + np.float32(4.1665795894e-2)
    y = y * r + np.float32(1.6666665459e-1)
    y = y * r + np.float32(5.0000001201e-1)
    y = y * (r * r) + r + ONE
    two_to_n: np.float32 = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    result: np.float32 = y * two_to_n
    return result


@compiled(parallel=True)
def upward(ratings: Ratings, W: Floats, b: Floats, P: Floats) -> None:
    """P[r] = σ(b + sum of W[c] over the columns c of person r).

    W float32 (C, J), b (J,), result P (n, J).
    """
    n, J = P.shape
    indptr, columns, users = ratings
    for tile in numba.prange((J + UNITS - 1) // UNITS * PARTS):
        units = slice(tile // PARTS * UNITS, min((tile // PARTS + 1) * UNITS, J))
        for r in range(tile % PARTS, n, PARTS):
            p = P[r, units]
            p[:] = b[units]
            k, end = indptr[users[r]], indptr[users[r] + 1]
            while k + 4 <= end:  # four rows at once: p is read and written a quarter as often
                w0, w1 = W[columns[k], units], W[columns[k + 1], units]
                w2, w3 = W[columns[k + 2], units], W[columns[k + 3], units]
                for j in range(len(p)):
                    p[j] += (w0[j] + w1[j]) + (w2[j] + w3[j])
                k += 4
            for rest in range(k, end):
                w0 = W[columns[rest], units]
                for j in range(len(p)):
                    p[j] += w0[j]
            for j in range(len(p)):
                p[j] = ONE / (ONE + exponential(-p[j]))


@compiled(parallel=True)
def draw_hidden(P: Floats, seed: np.uint64, step: np.uint64, H: Floats) -> None:
    """H[r, j] = 1 with probability P[r, j], else 0; both float32 (n, J)."""
    n, J = P.shape
    for part in numba.prange(PARTS):
        u = np.empty((J + 3) // 4 * 4, np.float32)
        for r in range(part, n, PARTS):
            uniforms(seed, step, r, 0, u)
            for j in range(J):
                H[r, j] = u[j] < P[r, j]


@compiled(parallel=True)
def downward(
    H: Floats, W: Floats, a: Floats, t: Floats,
    seed: np.uint64, step: np.uint64, scratch: Floats, draws: Draws,
) -> None:  # fmt: skip
    """Draw every film's state from x = a + t + H Wᵀ, as `model.sampling.sample_visible` does.

    H float32 (n, J), W (C, J), a (C,), t (n,); scratch (n_threads, n * 2 * width), which each
    thread overwrites with one block after the other; result in `draws`.
    """
    places, counts, width = draws  # (numba 0.68 loses writes to draws.counts in a prange)
    n, n_movies = places.shape
    n_threads = len(scratch)
    for thread in numba.prange(n_threads):
        u = np.empty(width, np.float32)
        for k in range(thread, counts.shape[1], n_threads):
            first, last = k * width, min((k + 1) * width, n_movies)
            columns = slice(2 * first, 2 * last)
            x = scratch[thread, : n * 2 * (last - first)].reshape(n, 2 * (last - first))
            np.dot(H, W[columns].T, x)
            bias = a[columns]
            for r in range(n):
                weight = x[r]
                for c in range(len(weight)):
                    weight[c] = exponential(weight[c] + bias[c] + t[r])
                uniforms(seed, step, r, first, u)
                counts[r, k] = _draw(weight, u, first, places[r, first:last])


@compiled()
def _draw(weight: Floats, u: Floats, first: int, out: NDArray[np.int32]) -> int:
    """Draw one person's states: like where z = u (1 + seen) < like, dislike where z < seen."""
    count = 0
    for i in range(len(out)):
        like = weight[2 * i]
        seen = like + weight[2 * i + 1]
        z = u[i] * (ONE + seen)
        # Always written, kept if seen: a branch would be mispredicted at every rating.
        out[count] = 2 * (first + i) + (z >= like)
        count += z < seen
    return count


@compiled(parallel=True)
def downward_rated(
    H: Floats, W: Floats, a: Floats, ratings: Ratings,
    seed: np.uint64, step: np.uint64, draws: Draws,
) -> None:  # fmt: skip
    """Draw like or dislike for the rated films alone, as `model.sampling.sample_rated` does.

    The downward pass of the classic machine; draws.counts of shape (n, 1), its width n_movies.
    """
    n, J = H.shape
    indptr, columns, users = ratings
    places, counts, _ = draws
    for part in numba.prange(PARTS):
        u = np.empty(4, np.float32)
        for r in range(part, n, PARTS):
            begin, end = indptr[users[r]], indptr[users[r] + 1]
            for k in range(begin, end):
                movie = columns[k] // 2
                w_like, w_dislike = W[2 * movie], W[2 * movie + 1]
                gap = a[2 * movie] - a[2 * movie + 1]
                for j in range(J):
                    gap += H[r, j] * (w_like[j] - w_dislike[j])
                uniforms(seed, step, r, movie // 4 * 4, u)
                disliked = u[movie % 4] * (ONE + exponential(-gap)) >= ONE
                places[r, k - begin] = 2 * movie + disliked
            counts[r, 0] = end - begin


@compiled()
def pack(draws: Draws, drawn: Ratings) -> None:
    """Fill ``drawn.indptr`` and ``drawn.columns`` with the draws, person by person."""
    n, n_blocks = draws.counts.shape
    end = 0
    drawn.indptr[0] = 0
    for r in range(n):
        for k in range(n_blocks):
            for i in range(draws.counts[r, k]):
                drawn.columns[end] = draws.places[r, k * draws.width + i]
                end += 1
        drawn.indptr[r + 1] = end


@compiled()
def transpose(data: Ratings, drawn: Ratings, touched: Touched) -> int:
    """Fill `touched` by a counting sort; returns how many of the draws are as in the data."""
    starts, rows = touched
    n = len(data.users)
    starts[:] = 0
    latest = np.full(len(starts) - 1, -1, np.int32)  # last person whose data have the column
    right = 0
    for r in range(n):
        for c in data.columns[data.indptr[data.users[r]] : data.indptr[data.users[r] + 1]]:
            starts[c + 1] += 1
            latest[c] = r
        for c in drawn.columns[drawn.indptr[r] : drawn.indptr[r + 1]]:
            starts[c + 1] += 1
            right += latest[c] == r
    for c in range(1, len(starts)):
        starts[c] += starts[c - 1]
    free = starts[:-1].copy()
    for r in range(n):
        for c in data.columns[data.indptr[data.users[r]] : data.indptr[data.users[r] + 1]]:
            rows[free[c]] = r
            free[c] += 1
        for c in drawn.columns[drawn.indptr[r] : drawn.indptr[r + 1]]:
            rows[free[c]] = n + r
            free[c] += 1
    return right


@compiled(parallel=True)
def ascend(
    touched: Touched, hidden: Hidden, rates: Rates, l2: Floats,
    W: Floats, velocity_W: Floats, a: Floats, velocity_a: Floats,
) -> None:  # fmt: skip
    """Update: velocity <- momentum velocity + rate (gradient - l2 W); W <- W + velocity; so a.

    The gradient of W[c] is 1/n times the sum of P - middle over the rows that touched column c,
    those of draws with a minus; a[c] also makes up for the change of W[c] middle, as
    `model.learning.centred` says. l2 float32 (C,); W and velocity_W (C, J); a and velocity_a (C,).
    """
    P, middle = hidden
    n, (C, J) = len(P) // 2, W.shape
    starts, rows = touched
    share = rates.W / np.float32(n)
    for part in numba.prange(PARTS):
        for c in range(part, C, PARTS):
            w, v, decay = W[c], velocity_W[c], rates.W * l2[c]
            balance = 0
            for r in rows[starts[c] : starts[c + 1]]:
                balance += 1 if r < n else -1
            s0 = share * np.float32(balance)
            for j in range(J):
                v[j] = rates.momentum * v[j] - decay * w[j] - s0 * middle[j]
            k, end = starts[c], starts[c + 1]
            while k + 4 <= end:
                p0, p1, p2, p3 = P[rows[k]], P[rows[k + 1]], P[rows[k + 2]], P[rows[k + 3]]
                s0 = share if rows[k] < n else -share
                s1 = share if rows[k + 1] < n else -share
                s2 = share if rows[k + 2] < n else -share
                s3 = share if rows[k + 3] < n else -share
                for j in range(J):
                    v[j] += (s0 * p0[j] + s1 * p1[j]) + (s2 * p2[j] + s3 * p3[j])
                k += 4
            for r in rows[k:end]:
                p0, s0 = P[r], share if r < n else -share
                for j in range(J):
                    v[j] += s0 * p0[j]
            for j in range(J):
                w[j] += v[j]
            gradient = np.float32(balance) / np.float32(n)
            velocity_a[c] = rates.momentum * velocity_a[c] + rates.a * gradient
            a[c] += velocity_a[c] - np.dot(v, middle)

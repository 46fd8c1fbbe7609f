"""The fast path: the equations of `model.rbm` and `model.learning`, compiled, sparse, in parallel.

One update reads and draws ratings as lists of columns of V, never as a dense matrix; a downward
pass exists only one block of movies at a time, which is drawn from while it is in the cache:

    upward       P = σ(b + V W)                    sums of rows of W
    draw_hidden  h ~ P
    downward     x = a + t + h Wᵀ, v ~ P(v | h)    the only dense product, and the draw
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

from model.binary_product import GROUPS, add_product, aligned, pack_states
from model.philox import compiled, uniforms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

# Movies per block of the downward pass: with 200 users it takes .1 MB, which the cache holds.
BLOCK = 64
# Hidden units per block of the upward pass: their part of W's frequent rows stays in the cache.
UNITS = 128
# Parts to which users and movies are assigned in turn, so that all parts are equal work.
PARTS = 16

ONE = np.float32(1)
LOG2_E = np.float32(1.4426950408889634)
# log 2 in two parts, the first with so few bits that its multiples are exact (Cody & Waite 1980).
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# exp() of a larger input is infinite in float32; a probability is 1 long before it.
LOWEST, HIGHEST = np.float32(-87), np.float32(80)


class Ratings(NamedTuple):
    """Ratings of the batch: ``columns[indptr[users[r]]:indptr[users[r] + 1]]`` for its user r."""

    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    users: NDArray[np.int64]  # (n,)


class Draws(NamedTuple):
    """Draws of the batch: ``places[r, k * width:][:counts[r, k]]`` for user r and block k."""

    places: NDArray[np.int32]  # (n, n_movies)
    counts: NDArray[np.int32]  # (n, n_blocks)
    width: int  # movies per block


class Touched(NamedTuple):
    """The batch by columns: ``rows[starts[c]:starts[c + 1]]``; first r: data, then n + r: draws."""

    starts: NDArray[np.int64]  # (C + 1,)
    rows: NDArray[np.int32]


class Hidden(NamedTuple):
    """Hidden probabilities of the batch, and the mean that centring subtracts."""

    P: Floats  # (2 n, J), data above draws
    middle: Floats  # (J,)


class Rates(NamedTuple):
    """Learning rates of one update, and the momentum."""

    W: np.float32
    a: np.float32
    momentum: np.float32


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


@compiled()
def add_rows(M: Floats, rows: NDArray[np.int32], first: int, total: Floats) -> None:
    """total[j] += sum of M[r, first + j] over the rows r."""
    units = slice(first, first + len(total))
    k = 0
    while k + 8 <= len(rows):  # eight rows at once: total is read and written an eighth as often
        q = rows[k : k + 8]
        m0, m1, m2, m3 = M[q[0], units], M[q[1], units], M[q[2], units], M[q[3], units]
        m4, m5, m6, m7 = M[q[4], units], M[q[5], units], M[q[6], units], M[q[7], units]
        k += 8
        for j in range(len(total)):
            low, high = (m0[j] + m1[j]) + (m2[j] + m3[j]), (m4[j] + m5[j]) + (m6[j] + m7[j])
            total[j] += low + high
    while k + 2 <= len(rows):
        m0, m1 = M[rows[k], units], M[rows[k + 1], units]
        for j in range(len(total)):
            total[j] += m0[j] + m1[j]
        k += 2
    if k < len(rows):
        m0 = M[rows[k], units]
        for j in range(len(total)):
            total[j] += m0[j]


@compiled(parallel=True)
def upward(ratings: Ratings, W: Floats, b: Floats, P: Floats) -> None:
    """P[r] = σ(b + sum of W[c] over the columns c of user r).

    W float32 (C, J), b (J,), result P (n, J).
    """
    n, J = P.shape
    indptr, columns, users = ratings
    for tile in numba.prange((J + UNITS - 1) // UNITS * PARTS):
        first = tile // PARTS * UNITS
        last = min(first + UNITS, J)
        for r in range(tile % PARTS, n, PARTS):
            p = P[r, first:last]
            p[:] = b[first:last]
            add_rows(W, columns[indptr[users[r]] : indptr[users[r] + 1]], first, p)
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
    seed: np.uint64, step: np.uint64, threads: int, draws: Draws,
) -> None:  # fmt: skip
    """Draw every movie's state from x = a + t + H Wᵀ, as `model.sampling.sample_visible` does.

    H float32 (n, J) of 0 and 1, W (C, J), a (C,), t (n,); result in `draws`, of width BLOCK. The
    number of threads decides which thread computes a block, not its result.
    """
    places, counts, _ = draws  # (numba 0.68 loses writes to draws.counts in a prange)
    n, n_movies = places.shape
    packed = pack_states(H)
    for thread in numba.prange(threads):
        u = np.empty(BLOCK, np.float32)
        x, sums = aligned(n, 2 * BLOCK), aligned(16 * GROUPS, 2 * BLOCK)
        for k in range(thread, counts.shape[1], threads):
            first, last = k * BLOCK, min((k + 1) * BLOCK, n_movies)
            bias = a[2 * first : 2 * last]
            for r in range(n):
                for c in range(len(bias)):
                    x[r, c] = bias[c] + t[r]
            add_product(packed, W[2 * first : 2 * last], sums, x)
            for r in range(n):
                weight = x[r, : len(bias)]
                for c in range(len(weight)):
                    weight[c] = exponential(weight[c])
                uniforms(seed, step, r, first, u)
                counts[r, k] = _draw(weight, u, first, places[r, first:last])


@compiled()
def _draw(weight: Floats, u: Floats, first: int, out: NDArray[np.int32]) -> int:
    """Draw one user's states: like where z = u (1 + seen) < like, dislike where z < seen."""
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
    """Draw like or dislike for the rated movies alone, as `model.sampling.sample_rated` does.

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
    """Fill ``drawn.indptr`` and ``drawn.columns`` with the draws, user by user."""
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
    latest = np.full(len(starts) - 1, -1, np.int32)  # last user whose data have the column
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
    for r in range(n):
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
        rise, fall = np.empty(J, np.float32), np.empty(J, np.float32)
        for c in range(part, C, PARTS):
            first_draw = starts[c]
            while first_draw < starts[c + 1] and rows[first_draw] < n:
                first_draw += 1
            balance = np.float32(2 * first_draw - starts[c] - starts[c + 1])
            for j in range(J):
                rise[j] = -balance * middle[j]
            add_rows(P, rows[starts[c] : first_draw], 0, rise)
            fall[:] = 0
            add_rows(P, rows[first_draw : starts[c + 1]], 0, fall)
            w, v, decay = W[c], velocity_W[c], rates.W * l2[c]
            for j in range(J):
                v[j] = rates.momentum * v[j] - decay * w[j] + share * (rise[j] - fall[j])
                w[j] += v[j]
            gradient = balance / np.float32(n)
            velocity_a[c] = rates.momentum * velocity_a[c] + rates.a * gradient
            a[c] += velocity_a[c] - _dot(v, middle)


@compiled(reassociate=True)
def _dot(x: Floats, y: Floats) -> np.float32:
    """Sum of x y; a call of BLAS would take longer than the sum itself."""
    total = np.float32(0)
    for j in range(len(x)):
        total += x[j] * y[j]
    return total

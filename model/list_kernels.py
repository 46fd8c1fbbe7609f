"""The compiled part of `model.lists`: sums of fold-in, and the best movies of many users.

Symbols as in `model.fold_in`; ``n`` users, ``M`` movies, ``J`` hidden units. Users are worked on in
parallel, each by one thread, so no result depends on the number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from model.philox import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

# Parts to which users are assigned in turn, so that all parts are equal work.
PARTS = 16
# Unit roundoff of float32.
ROUNDOFF = 2.0**-24
# A probability is rounded to float32, twice where it is boosted, and equal ones have another order.
ROUNDINGS = 4 * ROUNDOFF
# h is rounded to float32 once more after its sums, and so is h - h0.
HIDDEN_ERROR = 2 * ROUNDOFF


class Scale(NamedTuple):
    """Numbers of the calibration, and of the certificate."""

    length: float  # N0
    slope: float
    shift: float
    hidden: float
    film: float
    rounding: float  # g of a product in `score_user`
    largest: float  # g of any product in float32
    longest: float  # the largest |W[i,L]|


class Machine(NamedTuple):
    """What of a machine with a prior the scores are made of; float32 but for `indptr`."""

    W: Floats  # (M, 2, J)
    rates: Floats  # (M, 2)
    correction: Floats  # (M, 2)
    like_share: Floats  # (M,)
    indptr: NDArray[np.int64]  # of the couplings, (M + 1,)
    indices: NDArray[np.int32]
    values: Floats
    like_shift: Floats  # (M,)
    boost: Doubles  # (M,), added to the logit of the score
    allowed: NDArray[np.bool_]  # (M,)


class Users(NamedTuple):
    """Ratings: ``rows[starts[u]:starts[u + 1]]`` of user u, and what must not be listed besides."""

    starts: NDArray[np.int64]  # (n + 1,)
    rows: NDArray[np.int64]
    liked: NDArray[np.bool_]
    weights: Floats
    n: Doubles  # (n,), the sum of the weights
    seen_starts: NDArray[np.int64]  # (n + 1,)
    seen: NDArray[np.int64]


class Scored(NamedTuple):
    """Candidates of one user; `low` and `high` hold the score that `score_user` gives."""

    score: Doubles
    unshifted: Doubles
    gap: Doubles  # (W[i,L] - W[i,D]) (h - h0)
    low: Doubles
    high: Doubles


class Best(NamedTuple):
    """The first `limit` movies of each user, and whether their order is certain."""

    rows: NDArray[np.int64]  # (n, limit)
    score: Doubles  # (n, limit), logits
    unshifted: Doubles  # (n, limit), logits without the boost
    given_seen: Doubles  # (n, limit), without the terms that are equal for all movies
    certain: NDArray[np.bool_]  # (n,)


@compiled(parallel=True)
def sums(users: Users, W: Floats, S: Doubles) -> None:
    """S[u] = Σ_r w_r W[i_r, s_r], shape (n, J); W float32 (M, 2, J)."""
    n, J = S.shape
    for part in numba.prange(PARTS):
        for u in range(part, n, PARTS):
            total = S[u]
            total[:] = 0
            for r in range(users.starts[u], users.starts[u + 1]):
                row, weight = W[users.rows[r], 0 if users.liked[r] else 1], users.weights[r]
                for j in range(J):
                    total[j] += np.float64(weight) * np.float64(row[j])


@compiled()
def calibrated(logit: float, scale: Scale) -> float:
    """min(logit, slope logit + shift), which rises with the logit."""
    return min(logit, scale.slope * logit + scale.shift)


@compiled()
def softplus(x: float) -> float:
    """log(1 + exp(x)) without overflow."""
    return max(x, 0.0) + np.log1p(np.exp(-abs(x)))


@compiled()
def sift(keys: Doubles, items: NDArray[np.int64], size: int, key: float, item: int) -> None:
    """Put an item in place of the smallest one of a heap."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
        if keys[child] >= key:
            break
        keys[at], items[at] = keys[child], items[child]
        at = child
    keys[at], items[at] = key, item


@compiled(reassociate=True)
def upper_products(
    levels: NDArray[np.int8], step: Floats, error: Floats, change: Floats, out: Floats
) -> None:
    """out[u, i] = an upper bound of W[i,L] · change[u], see `model.coarse`."""
    J = levels.shape[1]
    for u in range(len(change)):
        length = 0.0
        for j in range(J):
            length += np.float64(change[u, j]) ** 2
        length = np.sqrt(length)
        for i in range(len(levels)):
            total = np.float32(0)
            for j in range(J):
                total += np.float32(levels[i, j]) * change[u, j]
            out[u, i] = np.float64(total * step[i]) + np.float64(error[i]) * length


@compiled(parallel=True)
def best(
    machine: Machine, scale: Scale, users: Users, change: Floats, product: Floats, found: Best
) -> None:
    """Find the first movies of each user; see `model.lists` for the certificate.

    ``change`` is h - h0 (n, J), ``product`` its product with W[:, L], (n, M).
    """
    n = len(product)
    for part in numba.prange(PARTS):
        best_of(machine, scale, users, change, product, found, np.arange(part, n, PARTS))


@compiled()
def best_of(
    machine: Machine,
    scale: Scale,
    users: Users,
    change: Floats,
    product: Floats,
    found: Best,
    part: NDArray[np.int64],
) -> None:
    """Do the same for some of the users, in this thread."""
    M, limit = product.shape[1], found.rows.shape[1]
    coupled, bounds = np.zeros(M), np.empty(M)
    for u in part:
        _couple(machine, users, u, coupled)
        _bound(machine, scale, users, u, product[u], coupled, bounds)
        n_candidates, found.certain[u] = 0, False
        while n_candidates < M:  # more, where those that were taken may not hold the first movies
            n_candidates = min(8 * n_candidates + 4 * limit + 20, M)
            candidates, outside = _candidates(bounds, n_candidates)
            bounds_of = np.append(bounds[candidates], outside) + _slack(scale, change[u])
            scored = _scored(
                machine, scale, users.n[u], change[u], coupled, candidates, bounds_of, limit
            )
            if len(scored.score) < len(candidates) or outside == -np.inf:
                found.certain[u] = _keep(machine, scale, candidates, scored, bounds_of, u, found)
                break


@compiled()
def _couple(machine: Machine, users: Users, u: int, coupled: Doubles) -> None:
    """coupled[i] = Σ_k w_k S[i,k] over the liked movies k, in the order of `Couplings.received`."""
    coupled[:] = 0
    for r in range(users.starts[u], users.starts[u + 1]):
        if users.liked[r]:
            row, weight = users.rows[r], users.weights[r]
            for e in range(machine.indptr[row], machine.indptr[row + 1]):
                coupled[machine.indices[e]] += machine.values[e] * weight


@compiled()
def _bound(
    machine: Machine,
    scale: Scale,
    users: Users,
    u: int,
    product: Floats,
    coupled: Doubles,
    bounds: Doubles,
) -> None:
    """bounds[i] = an upper bound of the score of i but for rounding, since softplus >= 0."""
    n = users.n[u]
    share, longer = n / (n + 2.0), np.log(max(n, scale.length) / scale.length)
    for i in range(len(bounds)):
        x = np.float64(product[i]) + machine.rates[i, 0] - share * machine.correction[i, 0] + longer
        x += coupled[i] + machine.like_shift[i]
        x = min(x, scale.slope * x + scale.shift) + machine.boost[i]
        bounds[i] = x if machine.allowed[i] else -np.inf
    for r in range(users.starts[u], users.starts[u + 1]):
        bounds[users.rows[r]] = -np.inf
    for r in range(users.seen_starts[u], users.seen_starts[u + 1]):
        bounds[users.seen[r]] = -np.inf


@compiled()
def _candidates(bounds: Doubles, n: int) -> tuple[NDArray[np.int64], float]:
    """Return the n movies with the largest bounds, the largest first, and the bound of all others.

    Fewer, and no bound, where no more than these may be listed.
    """
    heap, items = np.full(n, -np.inf), np.empty(n, dtype=np.int64)
    for i in range(len(bounds)):
        if bounds[i] > heap[0]:
            sift(heap, items, n, bounds[i], i)
    order = np.argsort(-heap)
    n_found = 0
    while n_found < n and heap[order[n_found]] > -np.inf:
        n_found += 1
    return items[order[:n_found]], heap[0] if n_found == n < len(bounds) else -np.inf


@compiled()
def _slack(scale: Scale, change: Floats) -> float:
    """Return what a bound lacks, for the error of this product and of that of `score_user`.

    By Cauchy-Schwarz either error is at most largest |W[i,L]| |h - h0|.
    """
    length = 0.0
    for j in range(len(change)):
        length += np.float64(change[j]) ** 2
    error = scale.largest * np.sqrt(length) + HIDDEN_ERROR * np.sqrt(len(change))
    return max(1.0, scale.slope) * 2 * scale.longest * error


@compiled(reassociate=True)
def products(W: Floats, change: Floats, rounding: float) -> tuple[float, float, float, float]:
    """W[s] · change for s like and dislike, in double precision, and bounds of both in float32."""
    like, dislike, like_error, dislike_error = 0.0, 0.0, 0.0, 0.0
    for j in range(len(change)):
        d = np.float64(change[j])
        error = rounding * abs(d) + HIDDEN_ERROR
        w_like, w_dislike = np.float64(W[0, j]), np.float64(W[1, j])
        like += w_like * d
        dislike += w_dislike * d
        like_error += abs(w_like) * error
        dislike_error += abs(w_dislike) * error
    return like, dislike, like_error, dislike_error


@compiled()
def _scored(
    machine: Machine,
    scale: Scale,
    n: float,
    change: Floats,
    coupled: Doubles,
    candidates: NDArray[np.int64],
    bounds: Doubles,
    limit: int,
) -> Scored:
    """Score candidates in double precision, as many as may be among the first ones."""
    size = len(candidates)
    share, longer = n / (n + 2.0), np.log(max(n, scale.length) / scale.length)
    score, unshifted, gap = np.empty(size), np.empty(size), np.empty(size)
    low, high = np.empty(size), np.empty(size)
    lowest, none = np.full(limit, -np.inf), np.zeros(limit, dtype=np.int64)  # of the first ones
    n_scored = 0
    while n_scored < size and bounds[n_scored] > lowest[0]:
        c = n_scored
        i = candidates[c]
        like, dislike, like_error, dislike_error = products(machine.W[i], change, scale.rounding)
        gap[c] = like - dislike
        x_like = machine.rates[i, 0] - share * machine.correction[i, 0] + longer + like
        x_like += coupled[i] + machine.like_shift[i]
        x_dislike = machine.rates[i, 1] - share * machine.correction[i, 1] + longer + dislike
        logit = x_like - softplus(x_dislike)
        # The slope of softplus is largest at the end of the interval.
        error = like_error + dislike_error / (1 + np.exp(-(x_dislike + dislike_error)))
        boost = machine.boost[i]
        unshifted[c] = calibrated(logit, scale)
        score[c] = unshifted[c] + boost
        rounded = ROUNDINGS * (2 + np.exp(unshifted[c]) + np.exp(score[c]))
        low[c] = calibrated(logit - error, scale) + boost - rounded
        high[c] = calibrated(logit + error, scale) + boost + rounded
        if low[c] > lowest[0]:
            sift(lowest, none, limit, low[c], 0)
        n_scored += 1
    return Scored(
        score[:n_scored], unshifted[:n_scored], gap[:n_scored], low[:n_scored], high[:n_scored]
    )


@compiled()
def _keep(
    machine: Machine,
    scale: Scale,
    candidates: NDArray[np.int64],
    scored: Scored,
    bounds: Doubles,
    u: int,
    found: Best,
) -> bool:
    """Keep the first movies of a user, and tell whether their order is certain."""
    limit, order = found.rows.shape[1], np.argsort(-scored.score)
    n_scored = len(order)
    if n_scored < limit:
        return False
    rest = bounds[n_scored]
    rest += ROUNDINGS * (2 + 2 * np.exp(rest))
    for c in order[limit:]:
        rest = max(rest, scored.high[c])
    certain = True
    for place in range(limit):
        c = order[place]
        behind = scored.high[order[place + 1]] if place + 1 < limit else rest
        certain = certain and scored.low[c] > behind
        i = candidates[c]
        found.rows[u, place], found.score[u, place] = i, scored.score[c]
        found.unshifted[u, place] = scored.unshifted[c]
        share = scale.film * machine.like_share[i]
        found.given_seen[u, place] = scale.hidden * scored.gap[c] + share
    return certain

"""Sanity check of a trained machine: its parameters, and whether it scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from model.rbm import RBM

__all__ = ["MAX_PARAMETER", "SMALLEST", "insane_parameters"]

# A single weight of 100 saturates a unit in float32, and those of a trained machine are near 1:
# larger ones have diverged, even if they are still finite.
MAX_PARAMETER = 1_000.0
# The scales of a prior are inverse to those of the weights.
SMALLEST = 1e-9
# Ratings of the users that are scored.
TRIED = (0, 1, 40)


def insane_parameters(rbm: RBM) -> list[str]:
    """Name the parameters that are not finite, or far from those of any trained machine.

    A machine without any is tried: its scores of a few users must be probabilities.
    """
    if not rbm.n_movies or not rbm.n_hidden:
        return ["W is empty"]
    named = {"W": rbm.W, "a": rbm.a, "b": rbm.b}
    problems = [*_insane_prior(rbm), *_insane_couplings(rbm)]
    for name, values in named.items():
        if not _is_within(values, np.inf):
            problems.append(f"{name} is not finite")
        elif not _is_within(values, MAX_PARAMETER):
            problems.append(f"{name} is larger than {MAX_PARAMETER:,.0f}")
    if not np.isfinite(rbm.mean_ratings):
        problems.append("mean_ratings is not finite")
    elif not SMALLEST <= rbm.mean_ratings <= 1 / SMALLEST:
        problems.append("mean_ratings is no number of ratings")
    return problems or _wrong_scores(rbm)


def _is_within(values: NDArray[np.floating], limit: float) -> bool:
    """Whether all values are finite, and their size at most `limit`; without a copy of them."""
    if not values.size:
        return True
    lowest, highest = float(values.min()), float(values.max())  # NaN if any value is
    return -limit <= lowest and highest <= limit and np.isfinite(lowest) and np.isfinite(highest)


def _wrong_scores(rbm: RBM) -> list[str]:
    """Say whether P(like) and P(like | seen) of some users are no probabilities."""
    for n in TRIED:
        rows = np.arange(0, rbm.n_movies, max(rbm.n_movies // max(n, 1), 1))[:n]
        for liked in {True, n == 0}:
            with np.errstate(all="ignore"):
                scores = rbm.score_user(rows, np.full(len(rows), liked))
            for values in scores:
                if not ((values >= 0) & (values <= 1)).all():
                    return [f"values give a user with {len(rows)} ratings no probabilities"]
    return []


def _insane_prior(rbm: RBM) -> list[str]:
    """Name the arrays of the prior whose values could not be served."""
    prior = rbm.prior
    if prior is None:
        return []
    limits = {"up": 1 / SMALLEST, "strength": 1 / SMALLEST}
    names = ("mean", "up", "down", "strength", "rates", "correction", "popularity", "like_share")
    problems = [
        f"prior.{name} is not finite, or too large"
        for name in names
        if not _is_within(getattr(prior, name), limits.get(name, MAX_PARAMETER))
    ]
    if (prior.strength < 0).any():
        problems.append("prior.strength is negative")
    if not SMALLEST <= prior.length <= 1 / SMALLEST:
        problems.append("prior.length is no number of ratings")
    return problems


def _insane_couplings(rbm: RBM) -> list[str]:
    """Say what is wrong with the couplings as compressed sparse rows; they may be asymmetric."""
    couplings = rbm.couplings
    if couplings is None:
        return []
    indptr, indices, values = couplings.indptr, couplings.indices, couplings.values
    problems = []
    if indptr[0] != 0 or indptr[-1] != len(indices) or (indptr[1:] < indptr[:-1]).any():
        problems.append("couplings.indptr is not rising from 0 to the number of couplings")
    if indices.min(initial=0) < 0 or indices.max(initial=0) >= rbm.n_movies:
        problems.append("couplings.indices is beyond the movies")
    if not problems and _is_unsorted(indptr, indices):
        problems.append("couplings.indices does not rise within a row")
    if not _is_within(values, MAX_PARAMETER):
        problems.append(f"couplings.values is not finite, or larger than {MAX_PARAMETER:,.0f}")
    return problems


def _is_unsorted(indptr: NDArray[np.int64], indices: NDArray[np.int32]) -> bool:
    """Whether a row has an index twice, or a smaller one behind a larger one."""
    falls = np.flatnonzero(indices[1:] <= indices[:-1]) + 1
    return not np.isin(falls, indptr).all()

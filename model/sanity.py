"""Sanity check of the parameters of a trained machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.rbm import RBM

__all__ = ["MAX_PARAMETER", "insane_parameters"]

# A single weight of 100 saturates a unit in float32, and those of a trained machine are near 1:
# larger ones have diverged, even if they are still finite.
MAX_PARAMETER = 1_000.0
# The scales of a prior are inverse to those of the weights.
SMALLEST = 1e-9


def insane_parameters(rbm: RBM) -> list[str]:
    """Name the parameters that are not finite, or far from those of any trained machine."""
    named = {"W": rbm.W, "a": rbm.a, "b": rbm.b, "mean_ratings": np.array(rbm.mean_ratings)}
    problems = [*_insane_prior(rbm), *_insane_couplings(rbm)]
    for name, values in named.items():
        if not np.isfinite(values).all():
            problems.append(f"{name} is not finite")
        elif name != "mean_ratings" and np.abs(values).max(initial=0) > MAX_PARAMETER:
            problems.append(f"{name} is larger than {MAX_PARAMETER:,.0f}")
    return problems


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
        if not (np.abs(getattr(prior, name)) <= limits.get(name, MAX_PARAMETER)).all()
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
    if not (np.abs(values) <= MAX_PARAMETER).all():
        problems.append(f"couplings.values is not finite, or larger than {MAX_PARAMETER:,.0f}")
    return problems

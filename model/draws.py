"""Draws of hidden and visible states by the inverse of the distribution function, in NumPy alone.

Every unit gets a random number of its own from the generator that the caller passes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model.rbm import DISLIKE, LIKE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_INPUT", "sample_hidden", "sample_states"]

# exp() of a larger input is infinite in float32; a probability is 1 long before it.
MAX_INPUT = np.float32(80)


def sample_hidden(
    probability: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw h_j = 1 with the given probability, else 0; any shape."""
    draws = rng.random(probability.shape, dtype=np.float32)
    return (draws < probability).astype(np.float32)


def sample_states(x: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw like, dislike or unseen for every movie from P(v_i = s | h).

    With one number u per movie, uniform in [0, 1), and n = 1 + exp(x[L]) + exp(x[D]):
    like where u n < exp(x[L]), dislike where exp(x[L]) <= u n < exp(x[L]) + exp(x[D]), else unseen.

    Parameters
    ----------
    x : floating array, shape (..., n_movies, 2)
        Visible inputs; overwritten.
    rng : numpy.random.Generator

    Returns
    -------
    int64 array
        Positions of the ones in V, flattened, rising; for one user these are columns of V.
    """
    weight = np.exp(np.minimum(x, MAX_INPUT, out=x), out=x)
    like = weight[..., LIKE]
    seen = like + weight[..., DISLIKE]
    u = rng.random(seen.shape, dtype=np.float32) * (1 + seen)
    drawn = np.flatnonzero(u < seen)
    cells = np.unravel_index(drawn, seen.shape)
    return 2 * drawn + np.where(u[cells] < like[cells], LIKE, DISLIKE)

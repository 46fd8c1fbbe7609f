r"""W[i,L] in one byte per weight: the first of two stages where movies are many.

    ŵ[i] = step[i] levels[i],    step[i] = max_j |W[i,L,j]| / 127,    levels[i,j] an integer

For a change h - h0 of the hidden units the product with the rounded weights bounds the exact one:

    W[i,L] (h - h0) <= ŵ[i] (h - h0) + error[i] |h - h0|        (Cauchy-Schwarz)
    error[i] = |W[i,L] - ŵ[i]| + g |ŵ[i]|,    g = n_hidden u / (1 - n_hidden u),    u = 2⁻²⁴

where g is what a product in float32 is off by at most, in any order of summation [1]_. As softplus
is positive, logit P(like) = x[i,L] - softplus(x[i,D]) < x[i,L]: from a quarter of the bytes of
W[:, L], an eighth of all of W, `model.lists` knows which movies can be among the first, and scores
these alone.

NumPy alone, for reading and writing models; the product itself is compiled.

References
----------
.. [1] N. Higham. Accuracy and Stability of Numerical Algorithms. 2nd edition, 2002. Section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.rbm import LIKE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["MIN_WEIGHTS", "Coarse", "coarse"]

# Weights (movies x states x hidden units) from which two stages are faster.
MIN_WEIGHTS = 10_000_000
LEVELS = 127
ROUNDOFF = 2.0**-24
# Rows that are rounded at a time: 4 MB with 500 hidden units.
BLOCK = 2_048
# The errors themselves are computed in double precision and stored as float32, rounded up.
UP = 1 + 2.0**-20


@dataclass(frozen=True, slots=True, eq=False)
class Coarse:
    """Rounded weights for likes.

    Parameters
    ----------
    levels : int8 array, shape (n_movies, n_hidden)
    step, error : float32 arrays, shape (n_movies,)
        Of the module.
    """

    levels: NDArray[np.int8]
    step: NDArray[np.float32]
    error: NDArray[np.float32]

    def covers(self, W: NDArray[np.float32]) -> bool:
        """Tell whether the errors are those of these weights W, or larger."""
        least = (
            _errors(W[rows, LIKE], self.levels[rows], self.step[rows]) for rows in _blocks(len(W))
        )
        held = (self.error[rows] for rows in _blocks(len(W)))
        return all(bool(np.all(few <= there)) for few, there in zip(least, held, strict=True))


def coarse(W: NDArray[np.float32]) -> Coarse:
    """Round the weights for likes.

    Parameters
    ----------
    W : float32 array, shape (n_movies, 2, n_hidden)
        Finite.

    Returns
    -------
    Coarse
    """
    n_movies, _, n_hidden = W.shape
    levels = np.empty((n_movies, n_hidden), dtype=np.int8)
    step, error = np.empty(n_movies, dtype=np.float32), np.empty(n_movies, dtype=np.float32)
    for rows in _blocks(n_movies):
        exact = W[rows, LIKE]
        step[rows] = np.abs(exact).max(axis=1, initial=0) / LEVELS
        unit = np.where(step[rows] > 0, step[rows], 1)[:, np.newaxis]
        levels[rows] = np.clip(np.rint(exact / unit), -LEVELS, LEVELS)
        error[rows] = _errors(exact, levels[rows], step[rows]) * UP
    return Coarse(levels, step, error)


def _errors(
    exact: NDArray[np.float32], levels: NDArray[np.int8], step: NDArray[np.float32]
) -> NDArray[np.float64]:
    rounded = levels * step[:, np.newaxis].astype(np.float64)
    g = levels.shape[1] * ROUNDOFF / (1 - levels.shape[1] * ROUNDOFF)
    # The product is scaled by the step afterwards: one rounding more.
    missing = np.linalg.norm(exact - rounded, axis=1)
    errors: NDArray[np.float64] = missing + (g + 2 * ROUNDOFF) * np.linalg.norm(rounded, axis=1)
    return errors


def _blocks(n: int) -> Iterator[slice]:
    return (slice(begin, begin + BLOCK) for begin in range(0, n, BLOCK))

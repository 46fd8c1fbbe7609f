"""iALS: matrix factorisation of implicit feedback by alternating least squares.

References
----------
.. [1] Y. Hu, Y. Koren, C. Volinsky. Collaborative Filtering for Implicit Feedback Datasets. 2008.
.. [2] S. Rendle, W. Krichene, L. Zhang, Y. Koren. Revisiting the Performance of iALS on Item
       Recommendation Benchmarks. RecSys 2022 (arXiv 2110.14037). Equations 1 to 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from model.baselines.columns import binary_matrix, input_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from scipy import sparse

    from data.interactions import Interactions

__all__ = ["IALS"]

SWEEPS = 16  # as in reference [2]
INITIAL_SCALE = 0.1  # standard deviation of an initial inner product, times sqrt(dimension)
# Numbers in one batch of small systems: 16 million float32 are 64 MB.
BATCH = 16_000_000


@dataclass(frozen=True, slots=True, eq=False)
class IALS:
    """score = w · h[i], with factors that minimise a weighted squared error.

        Σ_observed (1 - w[u]·h[i])² + c Σ_all (w[u]·h[i])²
            + λ Σ_u (n[u] + c n_columns)^e ‖w[u]‖² + λ Σ_i (n[i] + c n_users)^e ‖h[i]‖²

    n[u] and n[i] count the entries of a row and of a column of X. The w of a new user is
    fitted by the same least squares with fixed h.

    Parameters
    ----------
    H : float32 array, shape (n_columns, dimension)
    gram : float32 array, shape (dimension, dimension)
        HᵀH.
    movie_ids : int64 array, shape (n_movies,)
    unobserved, l2, exponent : float
        c, λ and e.
    dislikes : bool
        Whether dislikes take part, as columns of their own.
    """

    H: NDArray[np.float32]
    gram: NDArray[np.float32]
    movie_ids: NDArray[np.int64]
    unobserved: float
    l2: float
    exponent: float
    dislikes: bool

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        *,
        dimension: int,
        unobserved: float,
        l2: float,
        exponent: float = 1.0,
        dislikes: bool,
        seed: int = 0,
    ) -> IALS:
        """Solve for all w, then for all h, 16 times in turn."""
        X = binary_matrix(interactions, dislikes=dislikes)
        Xt = X.T.tocsr()
        rng = np.random.default_rng(seed)
        scale = np.float32(INITIAL_SCALE / np.sqrt(dimension))
        H = rng.standard_normal((X.shape[1], dimension), dtype=np.float32) * scale
        # Thousands of small systems: several threads each would mostly wait.
        with threadpool_limits(limits=1, user_api="blas"):
            for _ in range(SWEEPS):
                W = _solve(X, H, unobserved, l2, exponent)
                H = _solve(Xt, W, unobserved, l2, exponent)
        return cls(
            H, H.T @ H, interactions.movie_ids, unobserved, l2, exponent, dislikes
        )  # fmt: skip

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], None]:
        """Return w · h for every movie; there is no P(like | seen)."""
        n_movies = len(self.movie_ids)
        given = input_columns(movie_rows, liked, n_movies, dislikes=self.dislikes)
        own = self.H[given]
        strength = self.l2 * (len(given) + self.unobserved * len(self.H)) ** self.exponent
        A = own.T @ own + np.float32(self.unobserved) * self.gram
        A[np.diag_indices_from(A)] += np.float32(strength)
        return self.H[:n_movies] @ np.linalg.solve(A, own.sum(axis=0)), None


def _solve(
    X: sparse.csr_array[Any], H: NDArray[np.float32], unobserved: float, l2: float, exponent: float
) -> NDArray[np.float32]:
    """w[u] = (Σ_i h[i] h[i]ᵀ + c HᵀH + λ[u] I)⁻¹ Σ_i h[i] over the i of row u; every row of X.

    Rows with the same number n of entries share λ and the shape of their systems: they are solved
    together, in the eigenbasis of c HᵀH, where all but the sum is diagonal. With fewer entries
    than dimensions a system of n equations does (Woodbury).
    """
    eigenvalues, Q = np.linalg.eigh(np.float64(unobserved) * (H.T.astype(np.float64) @ H))
    rotated = H @ Q.astype(np.float32)
    W = np.zeros((X.shape[0], H.shape[1]), dtype=np.float32)
    for n, rows in _rows_by_count(X, H.shape[1]):
        entries = X.indptr[rows][:, np.newaxis] + np.arange(n)
        B = rotated[X.indices[entries]]  # (n_rows, n, dimension)
        strength = l2 * (n + unobserved * X.shape[1]) ** exponent
        diagonal = (np.maximum(eigenvalues, 0) + strength).astype(np.float32)
        W[rows] = _small_systems(B, diagonal)
    return W @ Q.T.astype(np.float32)


def _small_systems(B: NDArray[np.float32], diagonal: NDArray[np.float32]) -> NDArray[np.float32]:
    """(BᵀB + D)⁻¹ Bᵀ1 for each B, as D⁻¹Bᵀ (I + B D⁻¹ Bᵀ)⁻¹ 1 where that is the smaller system."""
    n, dimension = B.shape[1:]
    if n < dimension:
        scaled = B / diagonal
        A = scaled @ B.transpose(0, 2, 1) + np.eye(n, dtype=np.float32)
        y = np.linalg.solve(A, np.ones((len(B), n, 1), dtype=np.float32))
        return (scaled.transpose(0, 2, 1) @ y)[..., 0]
    full = B.transpose(0, 2, 1) @ B + np.diag(diagonal)
    return np.linalg.solve(full, B.sum(axis=1)[..., np.newaxis])[..., 0]


def _rows_by_count(
    X: sparse.csr_array[Any], dimension: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Batches of rows with the same number of entries, of bounded size; empty rows left out."""
    counts = np.diff(X.indptr)
    for n in np.unique(counts[counts > 0]):
        rows = np.flatnonzero(counts == n)
        size = max(BATCH // (max(n, dimension) * dimension), 1)
        for begin in range(0, len(rows), size):
            yield int(n), rows[begin : begin + size]

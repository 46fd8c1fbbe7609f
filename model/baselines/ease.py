"""EASE: a linear model of each movie from all others, in closed form.

References
----------
.. [1] H. Steck. Embarrassingly Shallow Autoencoders for Sparse Data. WWW 2019. Equation 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import lapack

from model.baselines.columns import binary_matrix, input_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from data.interactions import Interactions

__all__ = ["EASE"]


@dataclass(frozen=True, slots=True, eq=False)
class EASE:
    """score = x B, where B minimises ‖X - X B‖² + l2 ‖B‖² with a diagonal of zeros.

        B = I - P / diag(P)        P = (XᵀX + l2 I)⁻¹ = (I - Xᵀ K X) / l2        K = (XXᵀ + l2 I)⁻¹

    P has the size of the columns, K that of the users (the Woodbury identity); the smaller one is
    computed, so that few users with many movies cost little:

        B[:, j] = (Xᵀ K X)[:, j] / (1 - q[j])  off the diagonal,   q = diag(Xᵀ K X)

    Parameters
    ----------
    users : csr_array, shape (n_columns, n_users), or None
        Xᵀ where K was computed.
    weights : float32 array, shape (n_users or n_columns, n_movies)
        K X / (1 - q) where K was computed, else B.
    own : float32 array, shape (n_movies,)
        Contribution of a movie to its own score through `weights`, subtracted again.
    movie_ids : int64 array, shape (n_movies,)
    dislikes : bool
        Whether dislikes take part, as columns of their own.
    """

    users: sparse.csr_array[Any] | None
    weights: NDArray[np.float32]
    own: NDArray[np.float32]
    movie_ids: NDArray[np.int64]
    dislikes: bool

    @classmethod
    def fit(cls, interactions: Interactions, *, l2: float, dislikes: bool) -> EASE:
        """Solve for B; the memory is that of one float64 matrix of the smaller size."""
        X = binary_matrix(interactions, dislikes=dislikes)
        n_users, n_columns = X.shape
        solve = _by_users if n_users < n_columns else _by_columns
        users, weights, own = solve(X, l2, interactions.n_movies)
        return cls(users, weights, own, interactions.movie_ids, dislikes)

    def score_user(
        self,
        movie_rows: NDArray[np.integer],
        liked: NDArray[np.bool_],
        *,
        weights: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], None]:
        """Return x B; there is no P(like | seen).

        `weights`, shape (n_ratings,), take the place of the ones in x: 1 by default.
        """
        n_movies = len(self.movie_ids)
        given = input_columns(movie_rows, liked, n_movies, dislikes=self.dislikes)
        x = np.ones(len(movie_rows), dtype=np.float32) if weights is None else weights
        own = x[liked]
        x = np.concatenate((own, x[~liked])) if self.dislikes else own
        if self.users is None:
            scores = x @ self.weights[given]
        else:
            scores = np.asarray(x @ self.users[given], dtype=np.float32) @ self.weights
        scores[movie_rows[liked]] -= own * self.own[movie_rows[liked]]
        return scores, None


Solution = tuple["sparse.csr_array[Any] | None", "NDArray[np.float32]", "NDArray[np.float32]"]


def _by_users(X: sparse.csr_array[Any], l2: float, n_movies: int) -> Solution:
    K = _inverse((X @ X.T).toarray(), l2)
    targets = X[:, :n_movies]
    KX = (targets.T @ K).T  # K is symmetric
    q = np.asarray(targets.multiply(KX).sum(axis=0))
    return X.T.tocsr(), (KX / (1 - q)).astype(np.float32), (q / (1 - q)).astype(np.float32)


def _by_columns(X: sparse.csr_array[Any], l2: float, n_movies: int) -> Solution:
    P = _inverse((X.T @ X).toarray(), l2)
    weights = (P[:, :n_movies] / -np.diag(P)[:n_movies]).astype(np.float32)
    weights[np.arange(n_movies), np.arange(n_movies)] = 0
    return None, weights, np.zeros(n_movies, dtype=np.float32)


def _inverse(gram: NDArray[np.float64], l2: float) -> NDArray[np.float64]:
    """(gram + l2 I)⁻¹ of a symmetric matrix, by Cholesky: half the work of a general inverse."""
    gram[np.diag_indices_from(gram)] += l2
    factor, singular = lapack.dpotrf(gram, lower=True)
    inverse, failed = lapack.dpotri(factor, lower=True)
    if singular or failed:
        raise np.linalg.LinAlgError(f"the matrix is singular: l2 = {l2} is too small")
    # Only the lower triangle of LAPACK's result is the inverse.
    whole: NDArray[np.float64] = np.tril(inverse) + np.tril(inverse, -1).T
    return whole

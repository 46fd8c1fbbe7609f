r"""The first movies of many users at once: the lists that `model.scoring` gives one user at a time.

One product of matrices for a block of users, and of the likes alone. As softplus is positive,

    logit P(like) = x[i,L] - softplus(x[i,D]) < x[i,L]

so the movies with the largest x[i,L], calibrated and boosted, are the only candidates. These are
scored again in double precision.

**Certificate.** `score_user` computes products of J terms in float32, whose error is at most [1]_

    g Σ_j |W[i,s,j]| |h[j] - h0[j]|,    g = D u / (1 - D u),    u = 2⁻²⁴

where no term is rounded more than D times: J in any order of summation, and fewer in vectors, each
of whose places sums up a part. `summation_depth` measures D. A list is certain where the
intervals of its scores, the rounding of the probabilities to float32 included, are apart from each
other, and above those of all other movies. Then it is the list of `score_user` and `rank`; where it
is not, score that user alone.

For machines with a prior, which all but classic ones have.

References
----------
.. [1] N. Higham. Accuracy and Stability of Numerical Algorithms. 2nd edition, 2002. Section 3.1
       and, for D, equation 4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from model import list_kernels as kernels
from model.list_kernels import ROUNDOFF, Best, Machine, Scale, Users
from model.rbm import LIKE, sigmoid
from model.scoring import USER_BIAS_VARIANCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from model.fold_in import Given
    from model.prior import Prior
    from model.rbm import RBM

__all__ = ["ListMaker", "Lists", "summation_depth"]

Scalar = TypeVar("Scalar", bound=np.generic)

# Roundings of a term besides those of the place where it is summed up: its product, the sum of the
# places and of blocks, and what the measure of D is off by.
FURTHER_ROUNDINGS = 16
# Rows whose roundings are counted, and at most as many more: 32 MB with 500 terms.
MEASURED_ROWS = 8_192


class Lists(NamedTuple):
    """The first movies of users; those of a user are undefined where they are not certain.

    Parameters
    ----------
    rows : int64 array, shape (n_users, limit)
        Movie rows, the best first.
    score : float32 array, shape (n_users, limit)
        P(like) with the boost; within the bound of the certificate of what `score_user` gives.
    unshifted : float32 array, shape (n_users, limit)
        P(like) without it.
    like_given_seen : float32 array, shape (n_users, limit)
    certain : bool array, shape (n_users,)
    """

    rows: NDArray[np.int64]
    score: NDArray[np.float32]
    unshifted: NDArray[np.float32]
    like_given_seen: NDArray[np.float32]
    certain: NDArray[np.bool_]


class ListMaker:
    """Makes the lists of blocks of users with one machine and one set of rules.

    Parameters
    ----------
    rbm : RBM
        With a prior.
    allowed : bool array, shape (n_movies,)
        Movies that may be listed.
    like_shift : float array, shape (n_movies,), optional
        As in `score_user`.
    boost : float array, shape (n_movies,), optional
        Added to the logit of P(like) after its calibration.

    Raises
    ------
    ValueError
        The machine has no prior.
    """

    def __init__(
        self,
        rbm: RBM,
        allowed: NDArray[np.bool_],
        *,
        like_shift: NDArray[np.floating] | None = None,
        boost: NDArray[np.floating] | None = None,
    ) -> None:
        if rbm.prior is None:
            raise ValueError("lists of many users need a machine with a prior")
        self.rbm, self.prior = rbm, rbm.prior
        self._up = rbm.prior.up.astype(np.float64)
        self._down = rbm.prior.down.T.astype(np.float64)
        self._average = rbm.prior.average_hidden(rbm.b)
        self._machine = machine_of(rbm, rbm.prior, allowed, like_shift, boost)
        self._scale = scale_of(rbm, rbm.prior)
        self._product = np.empty((0, rbm.n_movies), dtype=np.float32)

    def lists(
        self, given: Sequence[Given], seen: Sequence[NDArray[np.integer]], limit: int
    ) -> Lists:
        """Return the first `limit` movies of each user that are neither rated nor seen.

        Memory: 4 bytes for each user and movie.

        Parameters
        ----------
        given : sequence of Given
            The ratings of each user, one at least.
        seen : sequence of int arrays
            Rows that are not listed either.
        limit : int
            Uncertain are users with fewer movies left.

        Returns
        -------
        Lists
        """
        users, shape = users_of(given, seen), (len(given), limit)
        change = self._change(users)
        found = Best(
            np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape), np.zeros(shape),
            np.zeros(len(given), dtype=np.bool_),
        )  # fmt: skip
        product = self._products(change)
        kernels.best(self._machine, self._scale, users, change, product, found)
        given_seen = found.given_seen + shared_terms(self.rbm, self.prior, users)[:, np.newaxis]
        return Lists(
            found.rows,
            sigmoid(found.score).astype(np.float32),
            sigmoid(found.unshifted).astype(np.float32),
            sigmoid(given_seen).astype(np.float32),
            found.certain,
        )

    def _change(self, users: Users) -> NDArray[np.float32]:
        """h - h0 of each user, as `fold_in` gives it but for rounding; shape (n, n_hidden)."""
        prior, n = self.prior, users.n
        S = np.empty((len(n), self.rbm.n_hidden))
        kernels.sums(users, self._machine.W, S)
        coordinates = (S - n[:, np.newaxis] * prior.mean) @ self._up * prior.shrinkage(n)
        received = prior.profile_length(n)[:, np.newaxis] * (prior.mean + coordinates @ self._down)
        return sigmoid(self.rbm.b + received).astype(np.float32) - self._average

    def _products(self, change: NDArray[np.float32]) -> NDArray[np.float32]:
        """W[i,L] (h - h0) of each user and movie, in memory that the next block uses again."""
        if len(self._product) < len(change):
            self._product = np.empty((len(change), self.rbm.n_movies), dtype=np.float32)
        out = self._product[: len(change)]
        return np.matmul(change, self._machine.W[:, LIKE].T, out=out)


def shared_terms(rbm: RBM, prior: Prior, users: Users) -> NDArray[np.float64]:
    """Terms of logit P(like | seen) that are equal for all movies, see `score_user`; (n_users,)."""
    firsts = users.starts[:-1]
    expected = sigmoid(prior.like_share[users.rows].astype(np.float64))
    variance = np.add.reduceat(users.weights * expected * (1 - expected), firsts)
    surprise = np.add.reduceat(users.weights * (users.liked - expected), firsts)
    user_bias = surprise / (variance + USER_BIAS_VARIANCE)
    own = rbm.calibration
    longer = np.log(prior.profile_length(users.n) / prior.length)
    shared: NDArray[np.float64] = own.person * user_bias + own.shift + own.length * longer
    return shared


def summation_depth(n_rows: int, n_terms: int) -> int:
    """Return how often a term of a product of matrix and vector in float32 is rounded at most.

    With 1 as the first term, terms of 2⁻²⁵ are lost one by one where they are added to it, and are
    summed up exactly elsewhere: as many are lost as are added after it at its place.

    Parameters
    ----------
    n_rows, n_terms : int
        Shape of the matrix; its rows may be summed up in different ways. Of a long one, fewer rows
        are summed up, with the same remainder: they are taken in groups.
    """
    n_measured = min(n_rows, MEASURED_ROWS + n_rows % MEASURED_ROWS)
    terms = np.full((n_measured, n_terms), 2.0**-25, dtype=np.float32)
    terms[:, 0] = 1
    sums = (terms @ np.ones(n_terms, dtype=np.float32)).astype(np.float64)
    lost = n_terms - (sums.min(initial=2) - 1) * 2.0**25
    return min(int(np.ceil(lost)) + FURTHER_ROUNDINGS, n_terms)


def machine_of(
    rbm: RBM,
    prior: Prior,
    allowed: NDArray[np.bool_],
    like_shift: NDArray[np.floating] | None,
    boost: NDArray[np.floating] | None,
) -> Machine:
    n = rbm.n_movies
    none = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    coupled = rbm.couplings
    return Machine(
        W=np.asarray(rbm.W),
        rates=np.asarray(prior.rates),
        correction=np.asarray(prior.correction),
        like_share=np.asarray(prior.like_share),
        indptr=np.zeros(n + 1, dtype=np.int64) if coupled is None else np.asarray(coupled.indptr),
        indices=none[0] if coupled is None else np.asarray(coupled.indices),
        values=none[1] if coupled is None else np.asarray(coupled.values),
        like_shift=np.zeros(n, dtype=np.float32)
        if like_shift is None
        else np.asarray(like_shift, dtype=np.float32),
        boost=np.zeros(n) if boost is None else np.asarray(boost, dtype=np.float64),
        allowed=np.asarray(allowed, dtype=np.bool_),
    )


def scale_of(rbm: RBM, prior: Prior) -> Scale:
    own = rbm.calibration
    weights = rbm.W[:, LIKE]
    longest = float(np.sqrt(np.einsum("ij,ij->i", weights, weights).max(initial=0)))
    depths = (summation_depth(2 * rbm.n_movies, rbm.n_hidden), rbm.n_hidden)
    measured, largest = (depth * ROUNDOFF / (1 - depth * ROUNDOFF) for depth in depths)
    return Scale(
        length=float(prior.length),
        slope=float(own.like_slope),
        shift=float(own.like_shift),
        hidden=float(own.hidden),
        film=float(own.film),
        rounding=measured,
        largest=largest,
        longest=longest * 1.0001,
    )


def users_of(given: Sequence[Given], seen: Sequence[NDArray[np.integer]]) -> Users:
    """Join the arrays of the users."""
    weights = [
        np.ones(len(each.movie_rows), dtype=np.float32) if each.weights is None else each.weights
        for each in given
    ]
    return Users(
        starts=_starts([each.movie_rows for each in given]),
        rows=_joined([each.movie_rows for each in given], np.int64),
        liked=_joined([each.liked for each in given], np.bool_),
        weights=_joined(weights, np.float32),
        n=np.array([each.n for each in given], dtype=np.float64),
        seen_starts=_starts(seen),
        seen=_joined(seen, np.int64),
    )


def _starts(arrays: Sequence[NDArray[np.generic]]) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum([len(each) for each in arrays], dtype=np.int64)))


def _joined(arrays: Sequence[NDArray[Any]], dtype: type[Scalar]) -> NDArray[Scalar]:
    joined = np.concatenate((np.zeros(0, dtype=dtype), *arrays))
    return joined.astype(dtype, copy=False)

r"""The Restricted Boltzmann Machine of like, dislike and unseen: its equations.

Symbols
-------
``V``  visible states, shape (n_users, 2 * n_movies): column ``2 * i + s`` is 1 when movie i is in
       state s, s = 0 for like (L) and 1 for dislike (D); at most one of the two is 1, and both 0
       mean *unseen*, a state of energy 0. A NumPy array or a SciPy sparse array; the cost with the
       latter is O(ratings).
``H``  hidden states or their probabilities, shape (n_users, n_hidden).
``t``  activity of each user, shape (n_users,); an input, not modelled.
``W``  weights, shape (n_movies, 2, n_hidden); ``a`` visible biases, shape (n_movies, 2);
       ``b`` hidden biases, shape (n_hidden,). All float32.

    E(v, h) = - sum_is (a[i,s] + t) v[i,s] - sum_j b[j] h[j] - sum_isj v[i,s] W[i,s,j] h[j]
    P(v, h) = exp(-E(v, h)) / Z

Couplings between movies (`model.couplings`), where the machine has them, add to the energy

    - sum_i<k S[i,k] v[i,L] v[k,L]        S symmetric, shape (n_movies, n_movies), diagonal 0

A movie in state s thus adds ``t`` to the log-odds of having been seen, as the length of a document
does in the replicated softmax, so no hidden unit is needed to represent how much a user rates.

References
----------
.. [1] R. Salakhutdinov, A. Mnih, G. Hinton. Restricted Boltzmann Machines for Collaborative
       Filtering. ICML 2007. Equations 1 and 2 are the conditionals, without the unseen state.
.. [2] R. Salakhutdinov, G. Hinton. Replicated Softmax: an Undirected Topic Model. NIPS 2009.
.. [3] G. Hinton. Training Products of Experts by Minimizing Contrastive Divergence. Neural
       Computation 14 (2002).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from model.coarse import Coarse
    from model.couplings import Couplings
    from model.fold_in import Given
    from model.prior import Prior
    from model.recommend import Recommended

__all__ = ["DISLIKE", "LIKE", "RBM", "Calibration", "activity", "columns", "sigmoid", "softplus"]

LIKE, DISLIKE = 0, 1

# float32 NDArray or sparse array; SciPy is not imported for serving.
Visible = Any


def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    """σ(x) = 1 / (1 + exp(-x)), without overflow."""
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, decay) / (1 + decay)


def softplus(x: NDArray[Any]) -> NDArray[Any]:
    """log(1 + exp(x)), without overflow."""
    return np.logaddexp(x, 0)


def columns(movie_rows: NDArray[Any], liked: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Columns of ``V`` that these ratings set: 2 i for a like of movie i, 2 i + 1 for a dislike."""
    states = np.where(liked, np.int32(LIKE), np.int32(DISLIKE))
    return 2 * np.asarray(movie_rows, dtype=np.int32) + states


def activity(n_ratings: NDArray[Any] | float, mean_ratings: float) -> NDArray[np.float32]:
    """t = log(max(n_ratings, 1) / mean_ratings), the activity of users with `n_ratings` each."""
    return np.log(np.maximum(n_ratings, 1) / mean_ratings).astype(np.float32)


class Calibration(NamedTuple):
    """Weights that calibrate P(like | seen); see `model.scoring.score_user`.

        logit P(like | seen) =   hidden (W[i,L] - W[i,D]) h + film (a[i,L] - a[i,D])
                               + person d + shift

    with d the user bias: the user's share of likes beyond that expected of the rated movies. The
    strongly regularised hidden units capture little of d, and without calibration P(like | seen)
    is overconfident. (1, 1, 0, 0) gives the uncalibrated σ(x[i,L] - x[i,D]). The names of the
    fields are stored in artifacts.

    A machine with a prior has the same weights for every number of ratings n (symbols of
    `model.prior`; e[i] is the movie's damped share of likes):

        logit P(like | seen) =   hidden (W[i,L] - W[i,D]) (h - h0) + film logit e[i]
                               + person d + shift + length log(N / N0)

    and P(like), which is overconfident at the top of a list, becomes

        logit P(like)        =   min(l, like_slope l + like_shift),    l = x[i,L] - softplus(x[i,D])
    """

    hidden: float = 1.0
    film: float = 1.0
    person: float = 0.0
    shift: float = 0.0
    length: float = 0.0
    like_slope: float = 1.0
    like_shift: float = 0.0


UNCALIBRATED = Calibration()


@dataclass(frozen=True, slots=True, eq=False)
class RBM:
    """Parameters of the machine, with one short method for each of its quantities.

    Parameters
    ----------
    W : float32 array, shape (n_movies, 2, n_hidden)
    a : float32 array, shape (n_movies, 2)
    b : float32 array, shape (n_hidden,)
    movie_ids : int64 array, shape (n_movies,)
        Movie of each visible unit.
    mean_ratings : float
        Ratings per training user, the scale of `activity`.
    classic : bool
        The energy leaves out unrated units; then there is no P(like), and t has no effect.
    calibration : Calibration
    prior : Prior, optional
        Of fold-in alone: no energy contains it. Without one, fold-in is the bare upward pass.
    couplings : Couplings, optional
    coarse : Coarse, optional
        Rounded weights, where movies are many.
    """

    W: NDArray[np.float32]
    a: NDArray[np.float32]
    b: NDArray[np.float32]
    movie_ids: NDArray[np.int64]
    mean_ratings: float
    classic: bool = False
    calibration: Calibration = UNCALIBRATED
    prior: Prior | None = None
    couplings: Couplings | None = None
    coarse: Coarse | None = None

    @property
    def n_movies(self) -> int:
        """Number of visible units."""
        return self.W.shape[0]

    @property
    def n_hidden(self) -> int:
        """Number of hidden units."""
        return self.W.shape[2]

    @property
    def weights(self) -> NDArray[np.float32]:
        """W with one row per column of V, shape (2 * n_movies, n_hidden); a view."""
        return self.W.reshape(2 * self.n_movies, self.n_hidden)

    def energy(self, V: Visible, H: NDArray[Any], t: NDArray[Any]) -> NDArray[Any]:
        """E(v, h) = - a v - t sum(v) - b h - v W h - v[L] S v[L] / 2, shape (n_users,)."""
        own = V @ self.a.reshape(-1) + t * _row_sums(V) + H @ self.b
        return -own - _rows(V @ self.weights, H) - self._coupled(V)

    def hidden_input(self, V: Visible) -> NDArray[Any]:
        """b[j] + sum_is v[i,s] W[i,s,j], shape (n_users, n_hidden)."""
        return self.b + V @ self.weights

    def hidden_probability(self, V: Visible) -> NDArray[Any]:
        """P(h_j = 1 | v) = σ(b[j] + sum_is v[i,s] W[i,s,j]): the upward pass, recognition."""
        return sigmoid(self.hidden_input(V))

    def visible_input(
        self, H: NDArray[Any], t: NDArray[Any], V: Visible | None = None
    ) -> NDArray[Any]:
        """x[i,s] = a[i,s] + t + sum_j W[i,s,j] h[j], shape (n_users, n_movies, 2).

        Of a machine with couplings, x[i,L] also has sum_k S[i,k] v[k,L], where `V` is given.
        """
        x = H @ self.weights.T
        x += self.a.reshape(-1)
        x += np.asarray(t)[:, np.newaxis]
        if self.couplings is not None and V is not None:
            x[:, LIKE::2] += _likes(V) @ self.couplings.matrix()
        return x.reshape(len(H), self.n_movies, 2)

    def visible_probability(
        self, H: NDArray[Any], t: NDArray[Any], V: Visible | None = None
    ) -> NDArray[Any]:
        """P(v_i = s | h) = exp(x[i,s]) / (1 + exp(x[i,L]) + exp(x[i,D])): the downward pass.

        With couplings it is P(v_i = s | h, v_-i), for the states of the other movies in `V`.
        """
        x = self.visible_input(H, t, V)
        log_seen = np.logaddexp(x[..., LIKE], x[..., DISLIKE])
        return np.exp(x - softplus(log_seen)[..., np.newaxis])

    def like_given_seen(self, H: NDArray[Any]) -> NDArray[Any]:
        """P(v_i = L | v_i seen, h) = σ(x[i,L] - x[i,D]), shape (n_users, n_movies)."""
        x = self.visible_input(H, np.zeros(len(H), dtype=self.a.dtype))
        return sigmoid(x[..., LIKE] - x[..., DISLIKE])

    def free_energy(self, V: Visible, t: NDArray[Any]) -> NDArray[Any]:
        """F(v) = - a v - t sum(v) - sum_j softplus(b[j] + sum_is v[i,s] W[i,s,j]).

        Less v[L] S v[L] / 2 with couplings.
        """
        softplus_sum = softplus(self.hidden_input(V)).sum(axis=1)
        own = V @ self.a.reshape(-1) + t * _row_sums(V)
        return -own - softplus_sum - self._coupled(V)

    def energy_gap(self, v: NDArray[Any], t: float) -> NDArray[Any]:
        """log P(v_i = s | v_-i) / P(v_i = unseen | v_-i) = F(v, i unseen) - F(v, i = s).

        Exact, where the downward pass is a mean-field approximation of the same quantity.

        Parameters
        ----------
        v : array, shape (2 * n_movies,)
            One user's visible states.
        t : float
            The user's activity, the same on both sides.

        Returns
        -------
        array, shape (n_movies, 2)
        """
        states = np.asarray(v).reshape(self.n_movies, 2)
        own = (states[:, :, np.newaxis] * self.W).sum(axis=1)  # contribution of movie i
        without = (self.b + v @ self.weights) - own  # (n_movies, n_hidden): i unseen
        with_state = without[:, np.newaxis, :] + self.W  # (n_movies, 2, n_hidden): i = s
        gain = softplus(with_state).sum(axis=2) - softplus(without).sum(axis=1)[:, np.newaxis]
        gap: NDArray[Any] = self.a + t + gain
        if self.couplings is not None:
            gap[:, LIKE] += self.couplings.matrix() @ states[:, LIKE]
        return gap

    def score_user(
        self,
        movie_rows: NDArray[np.integer],
        liked: NDArray[np.bool_],
        *,
        weights: NDArray[np.floating] | None = None,
        like_shift: NDArray[np.floating] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """P(like) and P(like | seen) of every movie for one user; `model.scoring.score_user`."""
        from model.scoring import score_user  # noqa: PLC0415 (scoring builds on this module)

        return score_user(self, movie_rows, liked, weights=weights, like_shift=like_shift)

    def score_users(
        self, users: Sequence[Given]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Yield both of each user, but for the last bits; `model.scoring.score_users`."""
        from model.scoring import score_users  # noqa: PLC0415 (as above)

        return score_users(self, users)

    def scores(self, interactions: Interactions) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """P(like) and P(like | seen) of every movie for every user, one user per product.

        Parameters
        ----------
        interactions : Interactions
            Ratings of each user, with the movies of this machine in their order
            (``Interactions.from_arrays(..., movie_ids=rbm.movie_ids)``).

        Returns
        -------
        like, like_given_seen : float32 arrays, shape (n_users, n_movies)
            Rated movies are scored as well, not masked.

        Raises
        ------
        ValueError
            The movies are not those of this machine.
        """
        self.refuse_other_movies(interactions)
        like = np.empty((interactions.n_users, self.n_movies), dtype=np.float32)
        given_seen = np.empty_like(like)
        for row in range(interactions.n_users):
            like[row], given_seen[row] = self.score_user(*interactions.user(row))
        return like, given_seen

    def recommend(self, ratings: Mapping[Any, bool], n: int = 10) -> list[Recommended]:
        """Return the movies that a user with these ratings is most likely to see and like.

        Parameters
        ----------
        ratings : mapping of int or str to bool
            True for each movie that the user likes, False for each that they dislike, by key or by
            id: those of a user of the data are ``interactions.ratings_of(user)``. Movies that the
            machine does not know are left out; without a known one the list is that of the average
            user.
        n : int
            How many movies at most.

        Returns
        -------
        list of Recommended
            ``movie_id``, ``like`` and ``like_given_seen``, by falling ``like``; no movie of
            `ratings`.

        Raises
        ------
        ValueError
            A rating is neither True nor False, or a text is no key of a movie.

        Examples
        --------
        >>> rbm.recommend({2959: True, 1: False}, n=5)  # doctest: +SKIP
        """
        from model.recommend import recommend  # noqa: PLC0415 (it builds on this module)

        return recommend(self, ratings, n)

    def save(self, folder: str | Path) -> None:
        """Write the machine into a new folder, whole or not at all; `model.artifact` has the files.

        Parameters
        ----------
        folder : str or Path

        Raises
        ------
        FileExistsError
            There is a file or folder of this name.
        ValueError
            A parameter is not finite.
        """
        from model.artifact import save_alone  # noqa: PLC0415 (it builds on this module)

        save_alone(Path(folder), self)

    @classmethod
    def load(cls, folder: str | Path) -> RBM:
        """Read a machine that `save` or the service has written, its arrays read-only.

        Parameters
        ----------
        folder : str or Path

        Returns
        -------
        RBM

        Raises
        ------
        ValueError
            The folder does not hold a whole, undamaged machine (`model.artifact.ArtifactError`).
        """
        from model.artifact import load  # noqa: PLC0415 (it builds on this module)

        return load(Path(folder)).rbm

    def refuse_other_movies(self, interactions: Interactions) -> None:
        """Raise ValueError unless the interactions have the movies of this machine, in order."""
        if not np.array_equal(interactions.movie_ids, self.movie_ids):
            raise ValueError(
                "the movies are not those of the model: build the interactions with "
                "movie_ids=rbm.movie_ids, or use with_movies(rbm.movie_ids)"
            )

    def _coupled(self, V: Visible) -> NDArray[Any] | float:
        """Sum over i < k of S[i,k] v[i,L] v[k,L], shape (n_users,); 0 without couplings."""
        if self.couplings is None:
            return 0.0
        likes = _likes(V)
        received = likes @ self.couplings.matrix()
        return np.asarray((likes * received).sum(axis=1)).reshape(-1) / 2


def _likes(V: Visible) -> Visible:
    """v[i,L], shape (n_users, n_movies); a dense array."""
    likes = V[:, LIKE::2]
    return likes if isinstance(likes, np.ndarray) else likes.toarray()


def _row_sums(V: Visible) -> NDArray[Any]:
    return np.asarray(V.sum(axis=1)).reshape(-1)


def _rows(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Scalar product of each row of `left` with the same row of `right`."""
    return np.einsum("nj,nj->n", left, right)

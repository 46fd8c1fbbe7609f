r"""The prior of fold-in: what a few ratings say about the profile that a user will have.

The hidden units were trained on whole profiles. A user with few ratings has one as well: not yet
rated is not *unseen*. With c_r the columns of V that the n known ratings set, s = Σ_r W[c_r]:

A profile of N ratings is drawn from a personal distribution π over the columns. Hidden units then
receive N θ on average, with θ = E_π W[c]; the mean of s / n is θ, too. θ differs between users with
covariance B and s / n around θ with covariance C / n. The best linear estimate of θ from s is the
credibility estimate of Bühlmann & Straub [1]_, exact where all are Gaussian:

    θ(n, s) = w̄ + B (B + C / n)⁻¹ (s / n - w̄)        w̄: mean of W[c] over all training ratings
    N       = max(n, N0)                                N0: `prior_length` of a mean profile
    h       = σ(b + N θ)

Without ratings θ is w̄, the average user; with many it is s / n, so that N θ is the input of the
plain upward pass. For a Dirichlet π with concentration c, C = c B in every direction, and
N θ = N / (n + c) (s + c w̄): c ratings of the average user beside those of the user. B and C say
instead in which directions of W a single rating is telling. Over training users u with n_u ratings,
R in all, and θ_u = s_u / n_u (moments of [1]_):

    C_w = Σ_u Σ_r (W[c_r] - θ_u)(W[c_r] - θ_u)ᵀ / (R - U)
    B   = (Σ_u n_u (θ_u - w̄)(θ_u - w̄)ᵀ - (U - 1) C_w) / (R - Σ_u n_u² / R)
    C   = prior_scale (C_w + tr(C_w) / n_hidden I)

With B u = λ C u and uᵀ C u = 1 for each column u of U, at most `MAX_DIRECTIONS` with the largest λ:

    θ(n, s) = w̄ + C U diag(λ / (n λ + 1)) Uᵀ (s - n w̄)
    Cov θ   = C U diag(λ / (n λ + 1)) (C U)ᵀ               after n ratings

The visible inputs, t being the activity of N ratings as in the replicated softmax [2]_, are

    x[i,s] = a[i,s] + t + W[i,s] h + g(n) δ[i,s],   g(n) = 2 / (n + 2)
    δ[i,s] = rates[i,s] - (a + t + W h)[i,s] at n = 0

δ is the error of mean field for the average user, so that without ratings x is exactly the base
rates of the movies. They are computed as (h0 and N0 being those at n = 0)

    x[i,s] = rates[i,s] + log(N / N0) + W[i,s] (h - h0) - (1 - g(n)) δ[i,s]

NumPy alone, for serving.

References
----------
.. [1] H. Bühlmann, E. Straub. Glaubwürdigkeit für Schadensätze. Mitteilungen der Vereinigung
       Schweizerischer Versicherungsmathematiker 70 (1970).
.. [2] R. Salakhutdinov, G. Hinton. Replicated Softmax: an Undirected Topic Model. NIPS 2009.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data.totals import Totals
from model.initialise import BIAS_PSEUDO_COUNT, base_rates
from model.rbm import sigmoid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from model.config import Config
    from model.rbm import RBM

    Doubles = NDArray[np.float64]

__all__ = ["Prior", "UserMoments", "fit_prior", "mean_weight", "prior_of", "user_moments"]

# 100 directions ranked as well as all 300 on ml-latest-small, 60 a little worse (NDCG@100 -.0008).
MAX_DIRECTIONS = 100
# Ratings of the average movie that the share of likes of each movie gets.
LIKE_SHARE_PSEUDO_COUNT = 5.0
# g(n) = 2 / (n + 2).
CORRECTION_PSEUDO_COUNT = 2.0
# Standard deviations of a drawn θ. After four horror films on ml-latest-small, the mean share of
# horror among 30 sampled movies is 83 % of the ranked list's with .5, and 59 % with 1.
DRAWN = 0.5
# Rows of W that are gathered at a time: 16 MB with 500 hidden units.
BLOCK = 8_192


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What fold-in knows of users before their ratings; the symbols are those of the module.

    Parameters
    ----------
    mean : float32 array, shape (n_hidden,)
        w̄.
    up, down : float32 arrays, shape (n_hidden, n_directions)
        U and C U.
    strength : float32 array, shape (n_directions,)
        λ, positive.
    rates, correction : float32 arrays, shape (n_movies, 2)
        Base rates as log-odds against unseen (`model.initialise.base_rates`), and δ.
    popularity : float32 array, shape (n_movies,)
        logit P(like) of the base rates: equal for movies with equally many likes.
    like_share : float32 array, shape (n_movies,)
        Logit of each movie's share of likes, with 5 ratings of the average movie added.
    length : float
        N0, in ratings.
    """

    mean: NDArray[np.float32]
    up: NDArray[np.float32]
    down: NDArray[np.float32]
    strength: NDArray[np.float32]
    rates: NDArray[np.float32]
    correction: NDArray[np.float32]
    popularity: NDArray[np.float32]
    like_share: NDArray[np.float32]
    length: float

    def shrinkage(self, n: float | NDArray[Any]) -> Doubles:
        """λ / (n λ + 1), shape (..., n_directions)."""
        strength = self.strength.astype(np.float64)
        return strength / (np.asarray(n)[..., np.newaxis] * strength + 1)

    def profile_length(self, n: float | NDArray[Any]) -> Doubles:
        """N = max(n, N0)."""
        return np.maximum(np.asarray(n, dtype=np.float64), self.length)

    def hidden_input(self, n: float, s: Doubles) -> Doubles:
        """N θ(n, s), shape (n_hidden,)."""
        coordinates = (s - n * self.mean) @ self.up * self.shrinkage(n)
        return self.profile_length(n) * (self.mean + self.down @ coordinates)

    def draw(self, n: float, s: Doubles, rng: np.random.Generator) -> Doubles:
        """N θ with θ ~ N(θ(n, s), DRAWN² Cov θ), shape (n_hidden,)."""
        deviation = np.sqrt(self.shrinkage(n)) * rng.standard_normal(len(self.strength))
        return self.hidden_input(n, s) + self.profile_length(n) * (self.down @ (DRAWN * deviation))

    def average_hidden(self, b: NDArray[np.floating]) -> NDArray[np.float32]:
        """h0 = σ(b + N0 w̄), the hidden probabilities without ratings; shape (n_hidden,)."""
        return sigmoid(b + self.length * self.mean.astype(np.float64)).astype(np.float32)

    def visible_offset(self, n: float | NDArray[Any]) -> Doubles:
        """rates + log(N / N0) - (1 - g(n)) δ, what W (h - h0) adds to; shape (..., n_movies, 2)."""
        n = np.asarray(n, dtype=np.float64)[..., np.newaxis, np.newaxis]
        offset: Doubles = self.rates - n / (n + CORRECTION_PSEUDO_COUNT) * self.correction
        return offset + np.log(self.profile_length(n) / self.length)

    def of_movies(self, rows: NDArray[np.integer]) -> Prior:
        """Return the prior of some movies alone."""
        per_movie = ("rates", "correction", "popularity", "like_share")
        return replace(self, **{name: getattr(self, name)[rows] for name in per_movie})


def fit_prior(rbm: RBM, interactions: Interactions, config: Config) -> Prior:
    """Fit the prior to the training users in closed form; the weights stay as they are.

    The cost is that of one upward pass over all ratings. Blocks of rows bound the memory: besides
    these a few matrices of n_hidden² are made.

    Parameters
    ----------
    rbm : RBM
        Trained, not classic; its own prior and couplings have no influence.
    interactions : Interactions
        What it was trained on.
    config : Config
        ``prior_scale`` and ``prior_length``.

    Returns
    -------
    Prior
    """
    totals = Totals.of(interactions)
    moments = user_moments(rbm.weights, interactions, mean_weight(rbm.weights, totals))
    return prior_of(rbm, totals, moments, config)


class UserMoments(NamedTuple):
    """Sums over users; those of parts of the users add up to those of all."""

    n_users: int  # U, users with a rating
    squares: float  # Σ_u n_u²
    scatter: Doubles  # Σ_u n_u (θ_u - w̄)(θ_u - w̄)ᵀ, shape (n_hidden, n_hidden)

    def plus(self, other: UserMoments) -> UserMoments:
        """Return the sums over the users of both."""
        return UserMoments(
            self.n_users + other.n_users,
            self.squares + other.squares,
            self.scatter + other.scatter,
        )


def mean_weight(W: NDArray[np.float32], totals: Totals) -> Doubles:
    """w̄, shape (n_hidden,); W of shape (2 * n_movies, n_hidden)."""
    counts = _counts(totals)
    mean: Doubles = sum(_blocks(W, counts, lambda w, n: n @ w)) / max(counts.sum(), 1)
    return mean


def user_moments(W: NDArray[np.float32], interactions: Interactions, mean: Doubles) -> UserMoments:
    """Sum over the users of a matrix, or of a part of it.

    Parameters
    ----------
    W : float32 array, shape (2 * n_movies, n_hidden)
    interactions : Interactions
    mean : float64 array, shape (n_hidden,)
        w̄ of all users.
    """
    n_ratings = interactions.ratings_per_user[interactions.ratings_per_user > 0]
    scatter = np.zeros((len(mean), len(mean)))
    for n, s in _user_sums(W, interactions):
        scatter += _scatter(s / n[:, np.newaxis], n, mean)
    squares = float(n_ratings.astype(np.float64) @ n_ratings)
    return UserMoments(len(n_ratings), squares, scatter)


def prior_of(rbm: RBM, totals: Totals, moments: UserMoments, config: Config) -> Prior:
    """Fit the prior to sums over the training users; the arguments are as of `fit_prior`."""
    likes, dislikes = totals.movie_counts()
    mean = mean_weight(rbm.weights, totals)
    within, between = _covariances(rbm.weights, totals, moments, mean)
    noise = config.prior_scale * (within + np.trace(within) / rbm.n_hidden * np.eye(rbm.n_hidden))
    up, down, strength = _directions(between, noise)
    rates = base_rates(totals)
    prior = Prior(
        mean=mean.astype(np.float32),
        up=up,
        down=down,
        strength=strength,
        rates=rates,
        correction=np.zeros_like(rates),
        popularity=_popularity(likes, totals.n_users),
        like_share=_like_share(likes, dislikes),
        length=config.prior_length * rbm.mean_ratings,
    )
    average = (rbm.weights @ prior.average_hidden(rbm.b)).reshape(rates.shape)
    plain = rbm.a + np.float32(np.log(config.prior_length)) + average
    return replace(prior, correction=rates - plain)


def _popularity(likes: NDArray[np.integer], n_users: int) -> NDArray[np.float32]:
    """Logit of P(like) = (likes + 2) / (n_users + 6): what `base_rates` give in real numbers."""
    count = likes + BIAS_PSEUDO_COUNT
    return np.log(count / (n_users + 3 * BIAS_PSEUDO_COUNT - count)).astype(np.float32)


def _like_share(likes: NDArray[np.integer], dislikes: NDArray[np.integer]) -> NDArray[np.float32]:
    """Logit of (likes + 5 mean) / (ratings + 5), the mean being that of all ratings."""
    mean = (likes.sum() + 1) / (likes.sum() + dislikes.sum() + 2)
    liked = likes + LIKE_SHARE_PSEUDO_COUNT * mean
    disliked = dislikes + LIKE_SHARE_PSEUDO_COUNT * (1 - mean)
    return np.log(liked / disliked).astype(np.float32)


def _covariances(
    W: NDArray[np.float32], totals: Totals, moments: UserMoments, mean: Doubles
) -> tuple[Doubles, Doubles]:
    """C_w within users and B between users, each of shape (n_hidden, n_hidden)."""
    total, (n_users, squares, of_users) = totals.n_ratings, moments
    around_mean = sum(_blocks(W, _counts(totals), lambda w, n: _scatter(w, n, mean)))
    within = (around_mean - of_users) / max(total - n_users, 1)
    unequal = total - squares / max(total, 1)
    between = (of_users - (n_users - 1) * within) / unequal if unequal > 0 else 0 * within
    return within, between


def _counts(totals: Totals) -> Doubles:
    """Ratings that set each column of V, shape (2 * n_movies,)."""
    return np.stack(totals.movie_counts(), axis=1).reshape(-1).astype(np.float64)


def _scatter(w: Doubles, n: Doubles, mean: Doubles) -> Doubles:
    """Σ n (w - mean)(w - mean)ᵀ over the rows of w."""
    centred = w - mean
    return centred.T @ (n[:, np.newaxis] * centred)


def _directions(between: Doubles, noise: Doubles) -> tuple[NDArray[np.float32], ...]:
    """U, C U and λ of the generalised eigenvalue problem B u = λ C u, by falling λ."""
    if not np.trace(noise) > 0:  # all weights are equal: a rating says nothing
        empty = np.zeros((len(noise), 0), dtype=np.float32)
        return empty, empty, np.zeros(0, dtype=np.float32)
    L = np.linalg.cholesky(noise)
    half = np.linalg.solve(L, between)
    strength, vectors = np.linalg.eigh(np.linalg.solve(L, half.T))
    kept = np.argsort(-strength, kind="stable")[:MAX_DIRECTIONS]
    kept = kept[strength[kept] > 1e-9]
    up, down = np.linalg.solve(L.T, vectors[:, kept]), L @ vectors[:, kept]
    return up.astype(np.float32), down.astype(np.float32), strength[kept].astype(np.float32)


def _blocks(W: NDArray[np.float32], counts: Doubles, part: Any) -> Iterator[Doubles]:
    """Yield part(rows of W, their counts) of every block of rows; float64."""
    for begin in range(0, len(W), BLOCK):
        rows = slice(begin, begin + BLOCK)
        yield part(W[rows].astype(np.float64), counts[rows])


def _user_sums(W: NDArray[np.float32], interactions: Interactions) -> Any:
    """Yield n_u and s_u of blocks of users with ratings, shapes (m,) and (m, n_hidden)."""
    users = np.flatnonzero(interactions.ratings_per_user)
    starts, ends = interactions.indptr[users], interactions.indptr[users + 1]
    columns = 2 * interactions.movie_rows.astype(np.int64) + ~interactions.liked
    begin = 0
    while begin < len(users):
        end = max(int(np.searchsorted(ends, starts[begin] + BLOCK, side="right")), begin + 1)
        first, last = starts[begin], ends[end - 1]
        sums = np.add.reduceat(W[columns[first:last]], starts[begin:end] - first, axis=0)
        yield (ends - starts)[begin:end].astype(np.float64), sums.astype(np.float64)
        begin = end

"""A million ratings that resemble real ones, drawn from the users of ml-latest-small.

Each new user mixes two real ones. Their movies are drawn from the movies often seen together with
those of the two, and from the popular ones; likes follow the movie's share of likes and how the two
rated its neighbours. So movies keep their popularity and their neighbours, and no user is a copy.

The structure is that of movies seen together, which EASE and item-kNN model: it gives an RBM no
advantage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from data import Interactions

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_RATINGS = 5  # of a movie; of fewer the neighbours are chance
NEIGHBOURS = 60
# Ratings per user are log-normal, as in ml-1m: a median of 95, a mean of 165.
LOG_RATINGS, LOG_SPREAD, MIN_PER_USER, MAX_PER_USER = 4.55, 1.05, 20, 1_500
POPULAR_SHARE = 0.15  # of the movies drawn by popularity alone
TASTE, NOISE = 1.5, 0.4  # log-odds of a like: weight of the neighbours' ratings, noise per user


@dataclass(frozen=True)
class _Source:
    """What is drawn from; a row for each real user, a column for each movie."""

    sees: NDArray[np.float64]
    affinity: NDArray[np.float64]
    popularity: NDArray[np.float64]
    log_odds: NDArray[np.float64]


def resampled(real: Interactions, n_users: int = 6_040, seed: int = 0) -> Interactions:
    """Draw `n_users` users with about 160 ratings each.

    Parameters
    ----------
    real : Interactions
    n_users : int
    seed : int
    """
    rng = np.random.default_rng(seed)
    counts = np.bincount(real.movie_rows, minlength=real.n_movies)
    source = _source(real.with_movies(real.movie_ids[counts >= MIN_RATINGS]))
    users = [_draw(source, rng) for _ in range(n_users)]
    n_ratings = [len(movies) for movies, _ in users]
    return Interactions.from_arrays(
        np.repeat(np.arange(n_users), n_ratings),
        np.concatenate([movies for movies, _ in users]),
        np.concatenate([liked for _, liked in users]),
        movie_ids=np.arange(len(source.popularity)),
    )


def _source(real: Interactions) -> _Source:
    seen = _matrix(real, np.ones(real.n_ratings))
    ratings = _matrix(real, np.where(real.liked, 1.0, -1.0))
    neighbours = _neighbours(seen)
    near = np.asarray(seen @ neighbours)
    popularity = np.asarray(seen.sum(axis=0)).ravel()
    likes = np.bincount(real.movie_rows[real.liked], minlength=real.n_movies)
    share = (likes + 2) / (popularity + 4)
    return _Source(
        sees=near / near.sum(axis=1, keepdims=True),
        affinity=np.asarray(ratings @ neighbours) / (near + 1e-9),
        popularity=popularity / popularity.sum(),
        log_odds=np.log(share / (1 - share)),
    )


def _neighbours(seen: sparse.csr_array[Any]) -> NDArray[np.float64]:
    """Squared cosine of each movie and its nearest, normalised by column."""
    together = (seen.T @ seen).toarray()
    norms = np.sqrt(np.diag(together))
    cosine = (together / np.outer(norms, norms)) ** 2
    least = np.partition(cosine, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS, np.newaxis]
    cosine[cosine < least] = 0
    return np.asarray(cosine / np.sqrt(cosine.sum(axis=0, keepdims=True)))


def _draw(source: _Source, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    n_movies = len(source.popularity)
    n_ratings = int(
        np.clip(np.exp(rng.normal(LOG_RATINGS, LOG_SPREAD)), MIN_PER_USER, MAX_PER_USER)
    )
    pair, blend = rng.integers(len(source.sees), size=2), rng.beta(2, 1)
    weights = np.array([blend, 1 - blend])
    taste = weights @ source.sees[pair]
    seen = (1 - POPULAR_SHARE) * taste + POPULAR_SHARE * source.popularity
    # The largest of log p + Gumbel noise are a draw without replacement with probabilities p.
    places = np.log(seen + 1e-12) + rng.gumbel(size=n_movies)
    movies = np.argsort(-places)[: min(n_ratings, n_movies // 2)]
    affinity = weights @ source.affinity[pair][:, movies]
    log_odds = source.log_odds[movies] + TASTE * affinity + NOISE * rng.normal()
    return movies, rng.random(len(movies)) < 1 / (1 + np.exp(-log_odds))


def _matrix(real: Interactions, values: NDArray[np.float64]) -> sparse.csr_array[Any]:
    return sparse.csr_array(
        (values, real.movie_rows, real.indptr), shape=(real.n_users, real.n_movies)
    )

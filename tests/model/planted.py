"""Ratings with tastes in them that a model has to find."""

import numpy as np

from data import Interactions


def planted(n_users: int = 400, n_movies: int = 120, seed: int = 0) -> Interactions:
    """Four tastes over four kinds of movies; movies of all kinds are equally popular.

    Users see half of their own kind and a tenth of the others, like 9 of 10 of their own kind and
    3 of 10 of the others.
    """
    rng = np.random.default_rng(seed)
    own = (np.arange(n_users) % 4)[:, np.newaxis] == (np.arange(n_movies) % 4)
    users, movies = np.nonzero(rng.random(own.shape) < np.where(own, 0.5, 0.1))
    liked = rng.random(len(users)) < np.where(own[users, movies], 0.9, 0.3)
    return Interactions.from_arrays(users, movies, liked, movie_ids=np.arange(n_movies))

"""The movies that tell most about a user, chosen when they are first needed."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.rbm import RBM
from model.telling import telling_movies

# Three screens of 16 movies: some may be withdrawn, and a visitor may know none of the first.
N_MOVIES = 48


class Telling:
    """The most telling movies of a model; choosing them takes a tenth of a second."""

    def __init__(self, rbm: RBM) -> None:
        self._rbm = rbm

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Their rows, the most telling first."""
        return telling_movies(self._rbm, N_MOVIES)

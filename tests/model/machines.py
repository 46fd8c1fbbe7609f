"""Machines with random parameters: equations hold whatever they are."""

from dataclasses import replace

import numpy as np

from model.couplings import Couplings
from model.prior import Prior
from model.rbm import RBM, Calibration


def random_rbm(seed: int, n_movies: int = 40, n_hidden: int = 6, **changes: object) -> RBM:
    rng = np.random.default_rng(seed)
    return RBM(
        W=rng.normal(0, 0.6, (n_movies, 2, n_hidden)).astype(np.float32),
        a=rng.normal(-2, 1, (n_movies, 2)).astype(np.float32),
        b=rng.normal(0, 1, n_hidden).astype(np.float32),
        movie_ids=rng.permutation(1000)[:n_movies],
        mean_ratings=12.0,
        **changes,  # type: ignore[arg-type]
    )


def random_couplings(seed: int, n_movies: int, scale: float = 0.7) -> Couplings:
    """About half of all pairs."""
    rng = np.random.default_rng(seed)
    S = rng.normal(0, scale, (n_movies, n_movies)) * (rng.random((n_movies, n_movies)) < 0.3)
    S = np.triu(S, 1) + np.triu(S, 1).T
    rows, columns = np.nonzero(S)
    indptr = np.searchsorted(rows, np.arange(n_movies + 1)).astype(np.int64)
    values = S[rows, columns].astype(np.float32)
    return Couplings(indptr, columns.astype(np.int32), values, 1.0, 2.5)


def random_prior(seed: int, rbm: RBM, n_directions: int = 4) -> Prior:
    rng = np.random.default_rng(seed)
    n_movies, n_hidden = rbm.n_movies, rbm.n_hidden

    def normal(scale: float, *shape: int) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float32)

    return Prior(
        mean=normal(0.1, n_hidden),
        up=normal(1, n_hidden, n_directions),
        down=normal(0.3, n_hidden, n_directions),
        strength=np.abs(normal(0.3, n_directions)) + np.float32(0.01),
        rates=normal(1, n_movies, 2) - 2,
        correction=normal(0.5, n_movies, 2),
        popularity=normal(1, n_movies),
        like_share=normal(1, n_movies),
        length=6.0,
    )


def with_everything(seed: int, n_movies: int = 40) -> RBM:
    """A machine with a prior and couplings."""
    calibration = Calibration(0.4, 0.9, 1.2, 0.1, -0.2, 0.6, -0.3)
    rbm = random_rbm(seed, n_movies, calibration=calibration)
    couplings = random_couplings(seed, n_movies)
    return replace(rbm, prior=random_prior(seed, rbm), couplings=couplings)


def draw_user(seed: int, n: int, n_movies: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.sort(rng.permutation(n_movies)[:n]), rng.random(n) < 0.5

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from data import Interactions
from model.config import Config
from model.rbm import RBM, activity
from model.scoring import rank, sample_user, score_user
from model.training import train
from tests.model.machines import random_rbm

RELEASE = Path(os.environ.get("RECOMMENDER_DATASETS_DIR", "var/datasets")) / "ml-latest-small"


def test_the_same_generator_gives_the_same_bytes() -> None:
    rbm = random_rbm(1, n_movies=300, n_hidden=20)
    rows, liked = np.array([3, 8, 20]), np.array([True, False, True])
    first, again = (sample_user(rbm, rows, liked, np.random.default_rng(5)) for _ in range(2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1].tobytes() == again[1].tobytes()


def enumerate_hidden(rbm: RBM, rows: np.ndarray, liked: np.ndarray) -> np.ndarray:
    """P(h | rated movies as rated, all others free), for every h."""
    states = np.array(np.meshgrid(*[[0, 1]] * rbm.n_hidden, indexing="ij"))
    H = states.reshape(rbm.n_hidden, -1).T.astype(np.float64)
    t = np.full(len(H), activity(len(rows), rbm.mean_ratings))
    x = rbm.visible_input(H, t).astype(np.float64)
    weight = (H @ rbm.b).astype(np.float64)
    free = np.setdiff1d(np.arange(rbm.n_movies), rows)
    weight += np.log1p(np.exp(x[:, free]).sum(axis=2)).sum(axis=1)
    weight += x[:, rows, np.where(liked, 0, 1)].sum(axis=1)
    probability = np.exp(weight - weight.max())
    return np.asarray(probability / probability.sum())


def test_long_chains_have_the_distribution_of_the_machine_with_the_ratings_clamped() -> None:
    rbm = random_rbm(3, n_movies=6, n_hidden=3)
    rows, liked = np.array([1, 4]), np.array([True, False])
    weights = enumerate_hidden(rbm, rows, liked)
    H = np.array(np.meshgrid(*[[0, 1]] * 3, indexing="ij")).reshape(3, -1).T
    t = np.full(len(H), activity(2, rbm.mean_ratings))
    exact = weights @ rbm.visible_probability(H.astype(np.float32), t)[..., 0]
    n = 3000
    drawn = np.array(
        [sample_user(rbm, rows, liked, np.random.default_rng(seed), 20)[0] for seed in range(n)]
    )
    error = drawn.std(axis=0) / np.sqrt(n)
    assert (np.abs(drawn.mean(axis=0) - exact) < 5 * error + 1e-6).all()
    assert (drawn.std(axis=0) > 0.01).any()


def test_without_weights_a_sample_is_the_mean_field() -> None:
    rbm = random_rbm(4)
    rbm.W[:] = 0
    rows, liked = np.array([2]), np.array([True])
    sampled = sample_user(rbm, rows, liked, np.random.default_rng(0))
    for one, other in zip(sampled, score_user(rbm, rows, liked), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n_steps", [1, 10])
def test_the_classic_machine_draws_once_since_unrated_movies_are_no_part_of_it(
    n_steps: int,
) -> None:
    rbm = random_rbm(5, classic=True)
    rows, liked = np.array([3, 5]), np.array([True, False])
    once = sample_user(rbm, rows, liked, np.random.default_rng(1), 0)
    several = sample_user(rbm, rows, liked, np.random.default_rng(1), n_steps)
    np.testing.assert_array_equal(once[0], several[0])


@pytest.mark.skipif(not RELEASE.exists(), reason=f"no {RELEASE}")
def test_sampled_lists_keep_the_genre_that_the_user_likes() -> None:
    data = Interactions.from_arrays(*read_ratings(RELEASE))
    rbm = train(data, Config(n_hidden=60, n_epochs=15), seed=0)
    horror = np.isin(rbm.movie_ids, sorted(read_horror(RELEASE)))
    likes, _ = data.movie_counts()
    most_liked = np.argsort(-(likes * horror), kind="stable")[:40]
    popular = horror[rank(likes.astype(float), rbm.movie_ids, limit=30)].mean()
    for seed in range(5):
        given = np.sort(np.random.default_rng(seed).choice(most_liked, 4, replace=False))
        user = given, np.ones(4, dtype=bool)

        def share(like: np.ndarray, given: np.ndarray = given) -> float:
            return float(horror[rank(like, rbm.movie_ids, given, 30)].mean())

        ranked = share(score_user(rbm, *user)[0])
        sampled = [
            share(sample_user(rbm, *user, np.random.default_rng(draw))[0]) for draw in range(20)
        ]
        assert ranked > popular
        assert np.mean(sampled) >= ranked / 2
        assert len(set(sampled)) > 1


def read_ratings(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    columns = np.loadtxt(folder / "ratings.csv", delimiter=",", skiprows=1)
    return columns[:, 0].astype(int), columns[:, 1].astype(int), columns[:, 2] >= 4


def read_horror(folder: Path) -> set[int]:
    with (folder / "movies.csv").open(encoding="utf-8", newline="") as file:
        return {int(row["movieId"]) for row in csv.DictReader(file) if "Horror" in row["genres"]}

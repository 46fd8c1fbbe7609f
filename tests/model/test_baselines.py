from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import Interactions
from model.baselines import EASE, IALS, Bias, ItemKNN, Popularity, damped_like_share
from model.baselines.columns import binary_matrix
from model.baselines.ials import _solve
from model.evaluation import Scorer

N_MOVIES = 20


def random_interactions(n_users: int, seed: int, n_movies: int = N_MOVIES) -> Interactions:
    rng = np.random.default_rng(seed)
    rated = rng.random((n_users, n_movies)) < 0.4
    rated[0] = True
    users, movies = np.nonzero(rated)
    movie_ids = 100 + np.arange(n_movies)
    liked = rng.random(len(users)) < 0.6
    return Interactions.from_arrays(users, movies + 100, liked, movie_ids=movie_ids)


@pytest.fixture(scope="module")
def checkerboard() -> Interactions:
    """80 users like the even movies and dislike the odd ones, 80 the other way round."""
    rng = np.random.default_rng(0)
    users, movies = np.nonzero(rng.random((160, N_MOVIES)) < 0.6)
    return Interactions.from_arrays(
        users, movies, (users + movies) % 2 == 0, movie_ids=np.arange(N_MOVIES)
    )


PERSONAL: dict[str, Callable[..., Scorer]] = {
    "ease": lambda x, dislikes: EASE.fit(x, l2=10, dislikes=dislikes),
    "ials": lambda x, dislikes: IALS.fit(
        x, dimension=2, unobserved=0.1, l2=0.01, dislikes=dislikes
    ),
    "item-knn": lambda x, dislikes: ItemKNN.fit(
        x, neighbours=30, shrinkage=1, dislikes=dislikes
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PERSONAL)
@pytest.mark.parametrize("dislikes", [False, True])
def test_people_get_the_movies_of_their_own_taste(
    name: str, dislikes: bool, checkerboard: Interactions
) -> None:
    model = PERSONAL[name](checkerboard, dislikes=dislikes)
    scores, probability = model.score_user(np.array([0, 2, 4]), np.array([True, True, True]))
    assert probability is None
    assert scores.dtype == np.float32
    assert scores.shape == (N_MOVIES,)
    assert scores[6::2].mean() > scores[1::2].mean() + scores.std()


@pytest.mark.parametrize("name", PERSONAL)
def test_dislikes_alone_tell_the_taste_where_they_take_part(
    name: str, checkerboard: Interactions
) -> None:
    odd, disliked = np.array([1, 3, 5]), np.zeros(3, dtype=bool)
    without, _ = PERSONAL[name](checkerboard, dislikes=False).score_user(odd, disliked)
    np.testing.assert_array_equal(without, 0)
    scores, _ = PERSONAL[name](checkerboard, dislikes=True).score_user(odd, disliked)
    assert scores[::2].mean() > scores[7::2].mean() + scores.std()


@pytest.mark.parametrize("name", PERSONAL)
def test_somebody_without_ratings_gets_a_finite_answer(
    name: str, checkerboard: Interactions
) -> None:
    scores, _ = PERSONAL[name](checkerboard, dislikes=True).score_user(
        np.array([], dtype=np.int32), np.array([], dtype=bool)
    )
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("dislikes", [False, True])
@pytest.mark.parametrize("n_users", [12, 70])  # fewer than the columns, and more
def test_ease_is_its_closed_form(n_users: int, dislikes: bool) -> None:
    interactions, l2 = random_interactions(n_users, seed=1), 7.0
    X = binary_matrix(interactions, dislikes=dislikes).toarray()
    P = np.linalg.inv(X.T @ X + l2 * np.eye(X.shape[1]))
    B = np.eye(len(P)) - P / np.diag(P)
    model = EASE.fit(interactions, l2=l2, dislikes=dislikes)
    assert (model.users is not None) == (n_users < X.shape[1])
    for row in range(5):
        scores, _ = model.score_user(*interactions.user(row))
        np.testing.assert_allclose(scores, (X[row] @ B)[:N_MOVIES], atol=1e-5)


@pytest.mark.parametrize("dislikes", [False, True])
@pytest.mark.parametrize("n_users", [12, 70])
def test_ease_takes_weights_in_place_of_ones(n_users: int, dislikes: bool) -> None:
    interactions = random_interactions(n_users, seed=1)
    model = EASE.fit(interactions, l2=7.0, dislikes=dislikes)
    rows, liked = interactions.user(2)
    ones, _ = model.score_user(rows, liked)
    same, _ = model.score_user(rows, liked, weights=np.ones(len(rows), dtype=np.float32))
    np.testing.assert_array_equal(ones, same)
    # Linear in x: with weight 0 a rating is as if it had not been given.
    weights = np.where(np.arange(len(rows)) < 3, 0, 1).astype(np.float32)
    without, _ = model.score_user(rows[3:], liked[3:])
    weighted, _ = model.score_user(rows, liked, weights=weights)
    np.testing.assert_allclose(weighted, without, atol=1e-5)
    halves, _ = model.score_user(rows, liked, weights=np.full(len(rows), 0.5, dtype=np.float32))
    np.testing.assert_allclose(halves, ones / 2, atol=1e-5)


@pytest.mark.parametrize("dislikes", [False, True])
def test_neighbours_are_the_largest_shrunk_cosines(dislikes: bool) -> None:
    interactions = random_interactions(50, seed=2)
    X = binary_matrix(interactions, dislikes=dislikes).toarray()
    together, n = X.T @ X, X.sum(axis=0)
    expected = (together / (np.sqrt(np.outer(n, n)) + 3))[:N_MOVIES]
    np.fill_diagonal(expected, 0)
    smallest = np.sort(expected, axis=1)[:, -6:-5]
    expected[expected < smallest] = 0
    model = ItemKNN.fit(interactions, neighbours=6, shrinkage=3, dislikes=dislikes)
    computed = model.similarity.toarray().T
    assert ((computed > 0).sum(axis=1) == 6).all()
    np.testing.assert_allclose(computed, np.where(computed > 0, expected, 0), rtol=1e-6)


@given(seed=st.integers(0, 100), dimension=st.sampled_from([3, 15]))
def test_every_half_sweep_of_ials_solves_its_least_squares(seed: int, dimension: int) -> None:
    interactions = random_interactions(15, seed=seed)
    X = binary_matrix(interactions, dislikes=True)
    rng = np.random.default_rng(seed)
    H = rng.normal(0, 0.3, (X.shape[1], dimension)).astype(np.float32)
    unobserved, l2, exponent = 0.2, 0.05, 0.8
    W = _solve(X, H, unobserved, l2, exponent)
    for u, row in enumerate(X.toarray()):
        own = H[row > 0].astype(np.float64)
        strength = l2 * (row.sum() + unobserved * X.shape[1]) ** exponent
        A = own.T @ own + unobserved * H.T.astype(np.float64) @ H + strength * np.eye(dimension)
        np.testing.assert_allclose(W[u], np.linalg.solve(A, own.sum(axis=0)), atol=1e-4)


def test_ials_folds_in_by_the_least_squares_of_training() -> None:
    interactions = random_interactions(30, seed=3)
    model = IALS.fit(interactions, dimension=5, unobserved=0.1, l2=0.02, dislikes=False)
    X = binary_matrix(interactions, dislikes=False)
    W = _solve(X, model.H, 0.1, 0.02, 1.0)
    for row in range(5):
        scores, _ = model.score_user(*interactions.user(row))
        np.testing.assert_allclose(scores, model.H @ W[row], atol=1e-4)


def test_ials_is_the_same_for_the_same_seed() -> None:
    one, same, other = (
        IALS.fit(
            random_interactions(30, seed=3), dimension=5, unobserved=0.1, l2=0.02,
            dislikes=False, seed=seed,
        )
        for seed in (4, 4, 5)
    )  # fmt: skip
    np.testing.assert_array_equal(one.H, same.H)
    assert (one.H != other.H).any()


def test_ease_without_regularisation_of_a_singular_matrix_is_refused() -> None:
    twice = Interactions.from_arrays([1, 1, 2, 2, 3, 3], [7, 8] * 3, [1] * 6)
    with pytest.raises(np.linalg.LinAlgError, match="l2 = 0"):
        EASE.fit(twice, l2=0, dislikes=False)


def test_popularity_counts_likes_per_user() -> None:
    interactions = Interactions.from_arrays([1, 1, 2, 3], [7, 8, 7, 8], [1, 0, 1, 1])
    like, _ = Popularity.fit(interactions).score_user(np.array([]), np.array([]))
    np.testing.assert_allclose(like, [2 / 3, 1 / 3])


def test_share_of_likes_is_drawn_towards_the_mean_where_ratings_are_few() -> None:
    share = damped_like_share(np.array([300, 1, 0]), np.array([100, 0, 0]))
    mean = 301 / 401
    np.testing.assert_allclose(
        share, [(300 + 10 * mean) / 410, (1 + 10 * mean) / 11, mean], rtol=1e-6
    )


def test_bias_worked_by_hand() -> None:
    interactions = Interactions.from_arrays([1, 2, 1, 2], [7, 7, 8, 8], [1, 1, 1, 0])
    model = Bias.fit(interactions, movie_damping=2, user_damping=1)
    mean = 3 / 4
    c7, c8 = (2 - 2 * mean) / 4, (1 - 2 * mean) / 4
    d = (0 - mean - c8) / 2  # a user who disliked movie 8
    _, p = model.score_user(np.array([1]), np.array([False]))
    np.testing.assert_allclose(p, [mean + c7 + d, mean + c8 + d], rtol=1e-6)


def test_bias_is_never_certain() -> None:
    interactions = Interactions.from_arrays([1, 2, 3], [7, 7, 8], [1, 1, 0])
    model = Bias.fit(interactions, movie_damping=0, user_damping=0.1)
    _, p = model.score_user(np.array([1]), np.array([False]))
    np.testing.assert_allclose(p, [0.99, 0.01])

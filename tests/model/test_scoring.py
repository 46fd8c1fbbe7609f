import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.rbm import RBM, Calibration
from model.scoring import effects, rank, score_user


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


def logit(p: np.ndarray) -> np.ndarray:
    return np.log(p.astype(np.float64)) - np.log1p(-p.astype(np.float64))


@pytest.mark.parametrize("classic", [False, True])
def test_scores_are_the_reference_equations_in_mean_field(classic: bool) -> None:
    rbm = random_rbm(1, classic=classic)
    rows, liked = np.array([3, 5, 9]), np.array([True, False, True])
    v = np.zeros((1, 2 * rbm.n_movies), dtype=np.float32)
    v[0, [6, 11, 18]] = 1
    h = rbm.hidden_probability(v)
    t = np.log(np.array([3 / 12.0], dtype=np.float32))
    like, given_seen = score_user(rbm, rows, liked)
    np.testing.assert_allclose(given_seen, rbm.like_given_seen(h)[0], rtol=1e-5)
    expected = given_seen if classic else rbm.visible_probability(h, t)[0, :, 0]
    np.testing.assert_allclose(like, expected, rtol=1e-5)


def test_calibration_moves_like_given_seen_alone() -> None:
    rows, liked = np.array([3, 5]), np.array([True, True])
    like, given_seen = score_user(random_rbm(2), rows, liked)
    halved = Calibration(hidden=0.5, film=0.5, person=0.0, shift=0.25)
    like_2, given_seen_2 = score_user(random_rbm(2, calibration=halved), rows, liked)
    np.testing.assert_array_equal(like, like_2)
    np.testing.assert_allclose(logit(given_seen_2), 0.5 * logit(given_seen) + 0.25, atol=1e-4)


def test_calibration_weighs_hidden_units_movie_and_person_apart() -> None:
    rows, liked = np.array([3, 5, 8]), np.array([True, True, False])
    bare = random_rbm(2)
    film = bare.a[:, 0] - bare.a[:, 1]
    hidden = logit(score_user(bare, rows, liked)[1]) - film
    user_bias = sum(liked - 1 / (1 + np.exp(-film[rows]))) / (3 + 5)
    weighed = random_rbm(2, calibration=Calibration(0.3, 0.7, 2.0, -0.1))
    expected = 0.3 * hidden + 0.7 * film + 2.0 * user_bias - 0.1
    np.testing.assert_allclose(logit(score_user(weighed, rows, liked)[1]), expected, atol=1e-4)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 8), classic=st.booleans())
def test_an_effect_is_what_leaving_the_rating_out_changes(seed: int, n: int, classic: bool) -> None:
    rbm = random_rbm(seed, classic=classic)
    rng = np.random.default_rng(seed)
    rows, liked = np.sort(rng.permutation(40)[:n]), rng.random(n) < 0.5
    targets = rng.permutation(40)[:5]
    computed = effects(rbm, rows, liked, targets)
    assert computed.shape == (5, n)
    whole = logit(score_user(rbm, rows, liked)[0])[targets]
    for r in range(n):
        others = np.arange(n) != r
        without = logit(score_user(rbm, rows[others], liked[others])[0])[targets]
        np.testing.assert_allclose(computed[:, r], whole - without, atol=2e-4)


def test_same_input_gives_the_same_bytes() -> None:
    rbm = random_rbm(4, n_movies=500, n_hidden=64)
    rows, liked = np.arange(0, 60, 2), np.arange(30) % 3 > 0
    first = score_user(rbm, rows, liked)
    for _ in range(5):
        for one, other in zip(first, score_user(rbm, rows, liked), strict=True):
            assert one.tobytes() == other.tobytes()


scores = arrays(np.float32, st.integers(1, 60), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


@given(scores=scores, data=st.data())
def test_ranking_is_by_score_then_by_movie_id(scores: np.ndarray, data: st.DataObject) -> None:
    n = len(scores)
    movie_ids = np.array(data.draw(st.permutations(range(100, 100 + n))))
    exclude = np.array(data.draw(st.lists(st.integers(0, n - 1), unique=True)), dtype=int)
    limit = data.draw(st.integers(0, n + 3))
    expected = sorted(
        (row for row in range(n) if row not in set(exclude)),
        key=lambda row: (-scores[row], movie_ids[row]),
    )
    assert rank(scores, movie_ids, exclude, limit).tolist() == expected[:limit]
    assert rank(scores, movie_ids, exclude).tolist() == expected

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.fold_in import Given, add_to_likes, fold_in, visible_input
from model.rbm import RBM, Calibration
from model.scoring import effects, rank, sample_user, score_user, score_users
from tests.model.machines import draw_user, random_rbm, with_everything


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


def test_calibration_weighs_hidden_units_movie_and_user_bias_apart() -> None:
    rows, liked = np.array([3, 5, 8]), np.array([True, True, False])
    bare = random_rbm(2)
    film = bare.a[:, 0] - bare.a[:, 1]
    hidden = logit(score_user(bare, rows, liked)[1]) - film
    user_bias = sum(liked - 1 / (1 + np.exp(-film[rows]))) / (3 + 5)
    weighed = random_rbm(2, calibration=Calibration(0.3, 0.7, 2.0, -0.1))
    expected = 0.3 * hidden + 0.7 * film + 2.0 * user_bias - 0.1
    np.testing.assert_allclose(logit(score_user(weighed, rows, liked)[1]), expected, atol=1e-4)


@pytest.mark.parametrize(
    "rbm",
    [random_rbm(1), random_rbm(1, classic=True), with_everything(1)],
    ids=["bare", "classic", "whole"],
)
def test_users_together_have_the_scores_of_each_alone(rbm: RBM) -> None:
    users = [Given(*draw_user(n, n)) for n in range(9)]
    users.append(users[7]._replace(weights=np.linspace(0, 1, 7, dtype=np.float32)))
    for user, together in zip(users, score_users(rbm, users), strict=True):
        alone = score_user(rbm, user.movie_rows, user.liked, weights=user.weights)
        for one, other in zip(together, alone, strict=True):
            assert one.dtype == np.float32
            np.testing.assert_allclose(one, other, rtol=1e-5)


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


@given(seed=st.integers(0, 1_000), n=st.integers(0, 10))
def test_scores_with_a_prior_and_couplings_are_the_formulas(seed: int, n: int) -> None:
    rbm, (rows, liked) = with_everything(seed), draw_user(seed, n)
    prior, couplings, c = rbm.prior, rbm.couplings, rbm.calibration
    assert prior is not None
    assert couplings is not None
    s = rbm.weights[2 * rows + ~liked].astype(np.float64).sum(axis=0)
    length = max(n, prior.length)
    h = 1 / (1 + np.exp(-rbm.b - prior.hidden_input(n, s)))
    h0 = 1 / (1 + np.exp(-rbm.b - prior.length * prior.mean))
    change = rbm.W.astype(np.float64) @ (h - h0)
    x = prior.rates + change + np.log(length / prior.length)
    x = x - n / (n + 2) * prior.correction
    x[:, 0] += couplings.matrix().toarray()[:, rows[liked]].sum(axis=1)
    like, given_seen = score_user(rbm, rows, liked)
    assert like.dtype == given_seen.dtype == np.float32
    expected = x[:, 0] - np.logaddexp(0, x[:, 1]) if n else prior.popularity
    expected = np.minimum(expected, c.like_slope * expected + c.like_shift)
    np.testing.assert_allclose(logit(like), expected, atol=2e-5)
    e = 1 / (1 + np.exp(-prior.like_share[rows].astype(np.float64)))
    user_bias = (liked - e).sum() / ((e * (1 - e)).sum() + 2.4)
    expected = c.hidden * (change[:, 0] - change[:, 1]) + c.film * prior.like_share
    expected = expected + c.person * user_bias + c.shift + c.length * np.log(length / prior.length)
    np.testing.assert_allclose(logit(given_seen), expected, atol=2e-5)


@pytest.mark.parametrize("changed", [{}, {"prior": None}, {"couplings": None}])
@given(seed=st.integers(0, 1_000), n=st.integers(1, 8))
def test_weights_of_1_and_a_shift_of_0_change_nothing(changed: dict, seed: int, n: int) -> None:
    rbm, user = replace(with_everything(seed), **changed), draw_user(seed, n)
    plain = score_user(rbm, *user)
    same = score_user(rbm, *user, weights=np.ones(n), like_shift=np.zeros(40))
    for one, other in zip(plain, same, strict=True):
        np.testing.assert_allclose(logit(one), logit(other), atol=1e-6)


@pytest.mark.parametrize("changed", [{}, {"prior": None}, {"couplings": None}])
@given(seed=st.integers(0, 1_000), n=st.integers(2, 8))
def test_a_rating_of_weight_0_is_no_rating(changed: dict, seed: int, n: int) -> None:
    rbm, (rows, liked) = replace(with_everything(seed), **changed), draw_user(seed, n)
    kept = np.arange(n) != n // 2
    weighted = score_user(rbm, rows, liked, weights=kept.astype(np.float32))
    for one, other in zip(weighted, score_user(rbm, rows[kept], liked[kept]), strict=True):
        np.testing.assert_allclose(logit(one), logit(other), atol=1e-5)


@pytest.mark.parametrize("n", [0, 3])
def test_a_shift_is_added_to_the_input_of_likes_alone(n: int) -> None:
    rbm, user = replace(with_everything(1), calibration=Calibration()), draw_user(1, n)
    shift = np.random.default_rng(0).normal(size=40).astype(np.float32)
    like, given_seen = score_user(rbm, *user)
    shifted, given_seen_2 = score_user(rbm, *user, like_shift=shift)
    np.testing.assert_allclose(logit(shifted) - logit(like), shift, atol=1e-5)
    np.testing.assert_array_equal(given_seen, given_seen_2)


@pytest.mark.parametrize("weighted", [False, True])
@given(seed=st.integers(0, 10_000), n=st.integers(1, 12))
def test_an_effect_with_a_prior_and_couplings_equals_recomputation(
    weighted: bool, seed: int, n: int
) -> None:
    rbm, (rows, liked) = with_everything(seed), draw_user(seed, n)
    rng = np.random.default_rng(seed)
    weights = rng.random(n).astype(np.float32) if weighted else None
    shift = rng.normal(size=40) if weighted else None
    targets = rng.permutation(40)[:11]
    computed = effects(rbm, rows, liked, targets, weights=weights, like_shift=shift)
    # The same equations in double precision: rounding P(like) near 1 to float32 would hide them.
    whole = double_logit(rbm, Given(rows, liked, weights), shift)[targets]
    for r in range(n):
        others = np.arange(n) != r
        left = Given(rows[others], liked[others], None if weights is None else weights[others])
        without = double_logit(rbm, left, shift)[targets]
        np.testing.assert_allclose(computed[:, r], whole - without, atol=1e-6, rtol=1e-6)


def double_logit(rbm: RBM, ratings: Given, shift: np.ndarray | None) -> np.ndarray:
    h = fold_in(rbm, *ratings[:2], weights=ratings.weights)
    x = visible_input(replace(rbm, W=rbm.W.astype(np.float64)), h, ratings.n)
    add_to_likes(rbm, x, ratings, shift)
    like, c = x[:, 0] - np.logaddexp(0, x[:, 1]), rbm.calibration
    return np.minimum(like, c.like_slope * like + c.like_shift)


@pytest.mark.parametrize("n", [0, 5])
def test_calibration_of_p_like_keeps_the_order_of_the_movies(n: int) -> None:
    rbm, user = with_everything(4), draw_user(4, n)
    like, _ = score_user(rbm, *user)
    bare, _ = score_user(replace(rbm, calibration=Calibration()), *user)
    assert rank(like, rbm.movie_ids).tolist() == rank(bare, rbm.movie_ids).tolist()
    assert (like <= bare).all()
    assert (like < bare).any()


def test_an_effect_does_not_depend_on_what_else_is_explained() -> None:
    rbm, user = with_everything(2), draw_user(2, 9)
    alone = effects(rbm, *user, np.array([7]))
    among = effects(rbm, *user, np.arange(20))
    assert alone[0].tobytes() == among[7].tobytes()


def test_samples_with_a_prior_depend_on_the_generator_alone() -> None:
    rbm, user = with_everything(3), draw_user(3, 5)
    first, again, other = (sample_user(rbm, *user, np.random.default_rng(k)) for k in (1, 1, 2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[0].tobytes() != other[0].tobytes()
    assert first[0].dtype == first[1].dtype == np.float32


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

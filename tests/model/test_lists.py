"""Lists of many users at once are those of one user at a time, or they are not certain."""

from dataclasses import replace

import numpy as np
import pytest

from model.fold_in import Given
from model.lists import FURTHER_ROUNDINGS, ListMaker, summation_depth
from model.scoring import rank, score_user
from tests.model.machines import draw_user, random_rbm, with_everything

N_MOVIES, N_USERS, LIMIT = 300, 30, 10


def draw_givens(*, weighted: bool) -> list[Given]:
    rng = np.random.default_rng(7)
    users = [draw_user(seed, 1 + 3 * seed, N_MOVIES) for seed in range(N_USERS)]
    return [
        Given(rows, liked, rng.random(len(rows)).astype(np.float32) if weighted else None)
        for rows, liked in users
    ]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("boosted", [False, True])
def test_the_lists_are_those_of_one_user_at_a_time(weighted: bool, boosted: bool) -> None:
    rbm, rng = with_everything(3, N_MOVIES), np.random.default_rng(1)
    shift = rng.normal(0, 0.5, N_MOVIES).astype(np.float32)
    boost = rng.normal(0, 1, N_MOVIES) if boosted else np.zeros(N_MOVIES)
    allowed, givens = rng.random(N_MOVIES) < 0.8, draw_givens(weighted=weighted)
    seen = [rng.choice(N_MOVIES, 5, replace=False) for _ in givens]
    maker = ListMaker(rbm, allowed, like_shift=shift, boost=boost)
    made = maker.lists(givens, seen, LIMIT)

    assert made.certain.mean() > 0.9
    for user in np.flatnonzero(made.certain):
        given = givens[user]
        like, like_given_seen = score_user(rbm, *given[:2], weights=given.weights, like_shift=shift)
        p = like.astype(np.float64)
        boosted_like = 1 / (1 + (1 - p) / p * np.exp(-boost))
        hidden = ~allowed
        hidden[given.movie_rows] = hidden[seen[user]] = True
        first = rank(boosted_like, rbm.movie_ids, np.flatnonzero(hidden), LIMIT)
        assert made.rows[user].tolist() == first.tolist()
        np.testing.assert_allclose(made.score[user], boosted_like[first], atol=2e-6)
        np.testing.assert_allclose(made.unshifted[user], like[first], atol=2e-6)
        np.testing.assert_allclose(made.like_given_seen[user], like_given_seen[first], atol=2e-6)


def test_equal_scores_are_not_certain() -> None:
    rbm = with_everything(4)
    assert rbm.prior is not None
    twins = replace(
        rbm,
        W=np.repeat(rbm.W[:20], 2, axis=0),
        prior=rbm.prior.of_movies(np.repeat(np.arange(20), 2)),
        couplings=None,
    )
    givens = [Given(*draw_user(seed, 4)) for seed in range(5)]
    none = [np.zeros(0, dtype=np.int64)] * 5
    assert not ListMaker(twins, np.ones(40, dtype=np.bool_)).lists(givens, none, 8).certain.any()


def test_a_list_with_too_few_movies_is_not_certain() -> None:
    allowed = np.zeros(40, dtype=np.bool_)
    allowed[:5] = True
    givens = [Given(np.array([0]), np.array([True])), Given(np.array([9]), np.array([True]))]
    none = [np.zeros(0, dtype=np.int64)] * 2
    made = ListMaker(with_everything(5), allowed).lists(givens, none, 5)
    assert made.certain.tolist() == [False, True]


def test_a_block_of_users_has_no_influence_on_a_list() -> None:
    maker = ListMaker(with_everything(6, N_MOVIES), np.ones(N_MOVIES, dtype=np.bool_))
    givens = draw_givens(weighted=False)
    none = [np.zeros(0, dtype=np.int64)] * N_USERS
    together = maker.lists(givens, none, LIMIT)
    for user in np.flatnonzero(together.certain):
        alone = maker.lists(givens[user : user + 1], none[:1], LIMIT)
        assert alone.rows[0].tolist() == together.rows[user].tolist()


def test_a_machine_without_a_prior_is_refused() -> None:
    with pytest.raises(ValueError, match="prior"):
        ListMaker(random_rbm(1), np.ones(40, dtype=np.bool_))


@pytest.mark.parametrize("n_terms", [3, 64, 1000])
def test_no_product_is_further_off_than_its_depth_says(n_terms: int) -> None:
    depth, rng = summation_depth(80, n_terms), np.random.default_rng(2)
    # Vectors have four places at least.
    assert depth <= min(n_terms, n_terms / 4 + FURTHER_ROUNDINGS + 1)
    W, h = rng.normal(size=(80, n_terms)).astype(np.float32), rng.random(n_terms, np.float32)
    exact = W.astype(np.float64) @ h
    bound = depth * 2.0**-24 * (np.abs(W) @ h)
    assert (np.abs(W @ h - exact) <= bound).all()

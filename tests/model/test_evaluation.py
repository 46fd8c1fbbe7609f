import tracemalloc
from dataclasses import replace

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import Interactions
from data.splitting import HeldOut, hide_ratings
from model.evaluation import (
    MAX_AT_ONCE,
    LeakError,
    figures,
    judge,
    leak_test,
    measure,
    prove_unseen,
    summarise,
)
from model.rbm import RBM
from tests.model.machines import random_rbm, with_everything


@pytest.fixture
def held_out() -> HeldOut:
    """Two users over five movies; user 1 hides likes of 11 and 12, user 2 a dislike and a like."""
    movie_ids = [10, 11, 12, 13, 14]
    given = Interactions.from_arrays([1, 2], [10, 14], [1, 1], movie_ids=movie_ids)
    hidden = Interactions.from_arrays(
        [1, 1, 2, 2], [11, 12, 10, 13], [1, 1, 0, 1], movie_ids=movie_ids
    )
    return HeldOut(given, hidden)


class Fixed:
    """Ranks the movies in the order of their scores."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = np.array(scores, dtype=np.float32)
        self.movie_ids = np.arange(10, 15)

    def score_user(self, *_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.scores, self.scores


def test_given_movies_are_taken_out_and_hidden_likes_looked_for(held_out: HeldOut) -> None:
    # user 1, without 10: 11 12 13 14 -> both hits first; user 2, without 14: 10 11 12 13 -> last
    figures = judge(Fixed([5, 4, 3, 2, 1]), held_out)
    np.testing.assert_allclose(figures["ndcg@10"], [1.0, 1 / np.log2(5)])
    np.testing.assert_allclose(figures["recall@20"], [1.0, 1.0])


def test_a_hidden_dislike_is_no_hit_and_counted_as_such(held_out: HeldOut) -> None:
    per_user = measure(Fixed([5, 4, 3, 2, 1]), held_out).per_user
    np.testing.assert_allclose(per_user["dislikes@20"], [0, 1 / 20])


def test_places_count_from_the_best_without_the_given(held_out: HeldOut) -> None:
    judgement = measure(Fixed([5, 4, 3, 2, 1]), held_out)
    assert judgement.places.tolist() == [0, 1, 0, 3]  # 11, 12 of user 1; 10, 13 of user 2
    assert judgement.users.tolist() == [0, 0, 1, 1]
    assert judgement.liked.tolist() == [True, True, False, True]


def test_ties_are_broken_by_movie_id(held_out: HeldOut) -> None:
    assert measure(Fixed([1, 1, 1, 1, 1]), held_out).places.tolist() == [0, 1, 0, 3]


def test_a_place_beyond_the_first_hundred_is_no_hit() -> None:
    movie_ids = np.arange(200)
    given = Interactions.from_arrays([1], [199], [1], movie_ids=movie_ids)
    hidden = Interactions.from_arrays([1, 1], [99, 100], [1, 1], movie_ids=movie_ids)
    model = Fixed(list(range(200, 0, -1)))
    model.movie_ids = movie_ids
    judgement = measure(model, HeldOut(given, hidden))
    assert judgement.places.tolist() == [99, 100]
    assert 0 < judgement.per_user["ndcg@100"][0] < 0.2


@given(seed=st.integers(0, 2**32), n_movies=st.integers(3, 130))
def test_the_whole_way_equals_trec_eval(seed: int, n_movies: int) -> None:
    rng = np.random.default_rng(seed)
    movie_ids = rng.permutation(1000)[:n_movies]
    state = rng.integers(0, 3, n_movies)  # given, hidden, unseen
    state[:2] = 0, 1
    liked = (rng.random(n_movies) < 0.6) | (np.arange(n_movies) < 2)
    parts = [
        Interactions.from_arrays(
            np.ones((state == s).sum()), movie_ids[state == s], liked[state == s],
            movie_ids=movie_ids,
        )
        for s in (0, 1)
    ]  # fmt: skip
    model = Fixed(rng.permutation(n_movies).tolist())
    model.movie_ids = movie_ids
    ours = judge(model, HeldOut(*parts))
    relevant = movie_ids[(state == 1) & liked]
    judged = {"1": {str(movie): 1 for movie in relevant}}
    left = state != 0
    scores = zip(movie_ids[left], model.scores[left], strict=True)
    run = {"1": {str(movie): float(score) for movie, score in scores}}
    for k in (10, 100):
        [theirs] = ir_measures.iter_calc([ir_measures.nDCG @ k], judged, run)
        assert ours[f"ndcg@{k}"][0] == pytest.approx(theirs.value, abs=1e-9)
    for k in (20, 50):
        [theirs] = ir_measures.iter_calc([ir_measures.R @ k], judged, run)
        rescaled = theirs.value * len(relevant) / min(k, len(relevant))
        assert ours[f"recall@{k}"][0] == pytest.approx(rescaled, abs=1e-9)


def test_what_is_given_and_hidden_at_once_is_caught(held_out: HeldOut) -> None:
    leaking = replace(held_out, given=held_out.hidden)
    with pytest.raises(LeakError, match="movie 11 is given and hidden"):
        judge(Fixed([5, 4, 3, 2, 1]), leaking)


def test_a_model_of_other_movies_is_refused(held_out: HeldOut) -> None:
    model = Fixed([5, 4, 3, 2, 1])
    model.movie_ids = np.arange(20, 25)
    with pytest.raises(ValueError, match="other movies"):
        judge(model, held_out)


def test_summary_gives_a_mean_and_an_error_for_every_metric(held_out: HeldOut) -> None:
    summary = summarise(judge(Fixed([5, 4, 3, 2, 1]), held_out))
    assert set(summary) == {"ndcg@10", "ndcg@100", "recall@20", "recall@50"}
    assert summary["ndcg@10"].mean == pytest.approx((1 + 1 / np.log2(5)) / 2)


def test_probabilities_are_read_at_the_hidden_movies(held_out: HeldOut) -> None:
    judgement = measure(Fixed([0.5, 0.4, 0.3, 0.2, 0.1]), held_out)
    assert judgement.probabilities is not None
    np.testing.assert_allclose(judgement.probabilities, [0.4, 0.3, 0.5, 0.2])
    summary = figures(judgement)
    assert summary["log_loss"].mean == pytest.approx(-np.log([0.4, 0.3, 0.5, 0.2]).mean())
    assert summary["auc"].mean == 0  # the one dislike has the largest probability
    assert summary["coverage"].mean == 1


def test_a_model_without_probabilities_has_no_figures_of_them(held_out: HeldOut) -> None:
    class RanksOnly(Fixed):
        def score_user(self, *_: np.ndarray) -> tuple:
            return self.scores, None

    summary = figures(measure(RanksOnly([5, 4, 3, 2, 1]), held_out))
    assert set(summary) == {
        "ndcg@10", "ndcg@100", "recall@20", "recall@50", "dislikes@20", "coverage",
    }  # fmt: skip


class Echo(Fixed):
    """Puts what it was given first: the honest evaluation never sees that, a leaking one does."""

    def __init__(self) -> None:
        super().__init__([1, 0, 0, 0, 2])

    def score_user(self, *given: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        movie_rows, liked = given
        scores = self.scores.copy()
        scores[movie_rows] += 10 * liked
        return scores, scores


def test_hidden_ratings_among_the_inputs_raise_the_figures(held_out: HeldOut) -> None:
    honest, leaking = leak_test(Echo(), held_out)
    assert leaking.mean == 1
    assert honest.mean < 0.8


def test_a_rating_seen_in_training_is_caught_whatever_the_order_of_users() -> None:
    movie_ids = [10, 11, 12]
    seen = Interactions.from_arrays(["c", "a", "b"], [10, 11, 12], [1, 1, 1], movie_ids=movie_ids)
    hidden = Interactions.from_arrays(["b", "a"], [11, 12], [1, 1], movie_ids=movie_ids)
    prove_unseen(seen, hidden)
    leaked = Interactions.from_arrays(["b", "a"], [11, 11], [1, 1], movie_ids=movie_ids)
    with pytest.raises(LeakError, match="user a: movie 11 is given and hidden"):
        prove_unseen(seen, leaked)


class Alone:
    """A machine that scores one user at a time."""

    def __init__(self, rbm: RBM) -> None:
        self.rbm, self.movie_ids = rbm, rbm.movie_ids

    def score_user(self, *given: np.ndarray, **weights: np.ndarray) -> tuple:
        return self.rbm.score_user(*given, **weights)


def many_users(n_users: int, n_movies: int, n_ratings: int) -> HeldOut:
    rng = np.random.default_rng(0)
    movies = np.concatenate([rng.permutation(n_movies)[:n_ratings] for _ in range(n_users)])
    rated = Interactions.from_arrays(
        np.repeat(np.arange(n_users), n_ratings), movies, rng.random(len(movies)) < 0.6,
        movie_ids=np.arange(n_movies),
    )  # fmt: skip
    return hide_ratings(rated, rng)


@pytest.mark.parametrize("weighted", [False, True])
def test_users_are_judged_together_as_each_alone(weighted: bool) -> None:
    held_out = many_users(2 * MAX_AT_ONCE + 3, 150, 20)
    if weighted:
        weights = np.random.default_rng(1).random(held_out.given.n_ratings, dtype=np.float32)
        held_out = replace(held_out, weights=weights)
    machine = replace(with_everything(0, 150), movie_ids=np.arange(150))
    together, alone = measure(machine, held_out), measure(Alone(machine), held_out)
    np.testing.assert_array_equal(together.places, alone.places)
    assert together.probabilities is not None
    assert alone.probabilities is not None
    np.testing.assert_allclose(together.probabilities, alone.probabilities, rtol=1e-5)


def test_judging_many_users_takes_little_memory() -> None:
    held_out = many_users(1_200, 3_700, 165)
    machine = replace(random_rbm(0, n_movies=3_700, n_hidden=50), movie_ids=np.arange(3_700))
    tracemalloc.start()
    figures(measure(machine, held_out))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6  # all scores together are 35 MB

"""The gate: who passes, who does not, and how sure it is of that."""

from dataclasses import replace

import numpy as np
import pytest

from data import Interactions
from data.splitting import strong_generalisation
from model.baselines import Popularity
from model.evaluation import Judgement, measure
from model.gate import OverMovies, judge_candidate, paired_bootstrap, with_rare
from model.rbm import RBM
from model.sanity import insane_parameters
from tests.model.planted import planted


def some_machine(movie_ids: list[int], seed: int = 0) -> RBM:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(np.float32)

    return RBM(
        W=draw(len(movie_ids), 2, 4),
        a=draw(len(movie_ids), 2) - 1,
        b=draw(4),
        movie_ids=np.array(movie_ids, dtype=np.int64),
        mean_ratings=3.0,
    )


def judgement(ndcg: list[float] | np.ndarray) -> Judgement:
    """What the gate looks at of a judgement."""
    nothing = np.empty(0, dtype=np.int32)
    return Judgement(
        {"ndcg@100": np.asarray(ndcg, dtype=np.float64)}, nothing.astype(np.int64), nothing,
        nothing.astype(bool), nothing, None, 0.0,
    )  # fmt: skip


GOOD = np.linspace(0.3, 0.6, 50)
POPULAR = GOOD - 0.1 + 0.05 * np.cos(np.arange(50))


def test_a_difference_that_is_the_same_for_everybody_has_no_spread() -> None:
    assert paired_bootstrap(GOOD, GOOD - 0.1) == pytest.approx((0.1, 0.1, 0.1))


def test_the_interval_of_the_bootstrap_is_that_of_the_normal_approximation() -> None:
    noise = np.random.default_rng(1).normal(0.02, 0.1, 400)
    mean, low, high = paired_bootstrap(GOOD.mean() + noise, np.full(400, GOOD.mean()))
    se = noise.std(ddof=1) / 20
    assert mean == pytest.approx(noise.mean())
    assert low == pytest.approx(mean - 1.645 * se, abs=0.1 * se)
    assert high == pytest.approx(mean + 1.645 * se, abs=0.1 * se)


def test_the_same_figures_give_the_same_interval() -> None:
    assert paired_bootstrap(GOOD, POPULAR) == paired_bootstrap(GOOD, POPULAR)


def test_many_users_are_drawn_in_several_rounds_to_the_same_effect() -> None:
    noise = np.random.default_rng(2).normal(0.0, 1.0, 30_000)
    mean, low, high = paired_bootstrap(noise, np.zeros(30_000))
    assert high - low == pytest.approx(2 * 1.645 * noise.std() / np.sqrt(30_000), rel=0.1)
    assert low < mean < high


def test_an_equal_candidate_is_refused_about_one_time_in_twenty() -> None:
    rng = np.random.default_rng(3)
    refused = 0
    for _ in range(400):
        ours, theirs = rng.normal(0.4, 0.1, (2, 60))
        refused += paired_bootstrap(ours, theirs).high < 0
    assert 0.025 < refused / 400 < 0.09


def test_a_good_candidate_passes() -> None:
    verdict = judge_candidate(
        some_machine([1, 2]), judgement(GOOD), judgement(POPULAR), judgement(GOOD - 0.01)
    )
    assert verdict.passed
    assert verdict.as_json()["reasons"] == []
    assert verdict.as_json()["differences"]["active"]["mean"] == pytest.approx(0.01)


def test_the_first_candidate_is_compared_with_popularity_alone() -> None:
    verdict = judge_candidate(some_machine([1]), judgement(GOOD), judgement(POPULAR), None)
    assert verdict.passed
    assert verdict.differences.keys() == {"popularity"}


def test_a_candidate_that_is_no_better_than_popularity_is_refused() -> None:
    noise = 0.1 * np.cos(np.arange(50))
    verdict = judge_candidate(some_machine([1]), judgement(GOOD + noise), judgement(GOOD), None)
    assert verdict.reasons[0].startswith("it is not better than popularity beyond chance: NDCG@100")


def test_a_candidate_that_is_worse_than_the_active_model_is_refused() -> None:
    verdict = judge_candidate(
        some_machine([1]), judgement(GOOD), judgement(POPULAR), judgement(GOOD + 0.05)
    )
    (reason,) = verdict.reasons
    assert reason.startswith("it is worse than the active model beyond chance: NDCG@100 -0.050")


def test_a_candidate_that_may_be_a_little_worse_by_chance_passes() -> None:
    noise = 0.1 * np.cos(np.arange(50))
    active = judgement(GOOD + noise + 0.005)
    assert judge_candidate(some_machine([1]), judgement(GOOD), judgement(POPULAR), active).passed


def test_what_cannot_be_compared_is_refused() -> None:
    verdict = judge_candidate(
        some_machine([1]), judgement(GOOD), judgement(POPULAR), None, "not comparable"
    )
    assert verdict.reasons == ("not comparable",)


def few(rbm: np.ndarray, **rivals: np.ndarray) -> dict[str, Judgement]:
    return {"rbm": judgement(rbm), **{name: judgement(of) for name, of in rivals.items()}}


def test_a_candidate_that_is_worse_with_few_ratings_is_refused() -> None:
    verdict = judge_candidate(
        some_machine([1]), judgement(GOOD), judgement(POPULAR), judgement(GOOD),
        few={
            "3": few(GOOD - 0.1, popularity=GOOD, active=GOOD - 0.2),
            "10": few(GOOD, popularity=POPULAR, active=GOOD + 0.05),
        },
    )  # fmt: skip
    with_3, with_10 = verdict.reasons
    assert with_3.startswith(
        "with 3 ratings it is worse than popularity beyond chance: NDCG@100 -0.100 (98 % of"
    )
    assert with_10.startswith("with 10 ratings it is worse than the active model beyond chance")


def test_with_few_ratings_a_candidate_may_be_as_good_as_popularity() -> None:
    noise = 0.1 * np.cos(np.arange(50))
    verdict = judge_candidate(
        some_machine([1]), judgement(GOOD), judgement(POPULAR), None,
        few={"3": few(GOOD, popularity=GOOD + noise + 0.01)},
    )  # fmt: skip
    assert verdict.passed
    [of_3] = verdict.as_json()["by_n_ratings"]
    assert of_3["n"] == 3
    assert of_3["differences"].keys() == {"popularity"}


def test_too_few_users_with_few_ratings_decide_nothing() -> None:
    nobody = np.empty(0)
    verdict = judge_candidate(
        some_machine([1]), judgement(GOOD), judgement(POPULAR), None,
        few={"3": few(nobody, popularity=nobody)},
    )  # fmt: skip
    assert verdict.passed
    assert verdict.as_json()["by_n_ratings"] == []


@pytest.mark.parametrize(
    ("value", "problem"),
    [(np.nan, "b is not finite"), (np.inf, "b is not finite"), (2e3, "b is larger than 1,000")],
)
def test_parameters_that_are_not_finite_or_absurd_are_refused(value: float, problem: str) -> None:
    machine = some_machine([1, 2])
    broken = replace(machine, b=np.array([0, 0, value, 0], dtype=np.float32))
    assert insane_parameters(machine) == []
    assert insane_parameters(broken) == [problem]
    verdict = judge_candidate(broken, judgement(GOOD), judgement(POPULAR), None)
    assert verdict.reasons == (f"its parameter {problem}",)


def test_movies_that_a_model_does_not_know_come_last() -> None:
    model = some_machine([10, 20, 30])
    over = OverMovies(model, np.array([5, 30, 10, 40]))
    scores, probabilities = over.score_user(np.array([1, 3]), np.array([True, False]))
    own, _ = model.score_user(np.array([2]), np.array([True]))
    assert probabilities is None
    assert over.movie_ids.tolist() == [5, 30, 10, 40]
    assert scores[[1, 2]].tolist() == own[[2, 0]].tolist()
    assert np.isneginf(scores[[0, 3]]).all()


def test_a_model_of_no_common_movie_ranks_them_all_last() -> None:
    over = OverMovies(some_machine([1]), np.array([2, 3]))
    scores, _ = over.score_user(np.array([0]), np.array([True]))
    assert np.isneginf(scores).all()


@pytest.fixture(scope="module")
def world() -> Interactions:
    return planted(300, 80)


def test_a_machine_is_judged_over_other_movies_as_over_its_own(world: Interactions) -> None:
    """Only the order of the movies differs, and one without ratings."""
    split = strong_generalisation(world)
    machine = some_machine(split.test.given.movie_ids.tolist(), seed=4)
    backwards = np.append(machine.movie_ids[::-1], 10_000)
    moved = replace(
        split.test,
        given=split.test.given.with_movies(backwards),
        hidden=split.test.hidden.with_movies(backwards),
    )
    own = measure(machine, split.test).per_user["ndcg@100"]
    over = measure(OverMovies(machine, backwards), moved).per_user["ndcg@100"]
    assert over == pytest.approx(own)


def test_movies_that_a_candidate_left_out_come_last_with_the_popular_probability() -> None:
    all_ids = np.arange(1, 7)
    popularity = Popularity(
        np.linspace(0.1, 0.6, 6, dtype=np.float32), np.linspace(0.2, 0.7, 6, dtype=np.float32),
        all_ids,
    )  # fmt: skip
    rbm = some_machine([2, 4, 5])
    assert with_rare(rbm, replace(popularity, movie_ids=rbm.movie_ids)) is rbm
    given = np.array([0, 3]), np.array([True, False])  # movies 1 and 4
    like, given_seen = with_rare(rbm, popularity).score_user(*given)
    expected = rbm.score_user(np.array([1]), np.array([False]))
    known = [1, 3, 4]
    np.testing.assert_array_equal(like[known], expected[0])
    assert np.isneginf(np.delete(like, known)).all()
    assert given_seen is not None
    np.testing.assert_array_equal(given_seen[known], expected[1])
    np.testing.assert_array_equal(
        np.delete(given_seen, known), np.delete(popularity.like_given_seen, known)
    )

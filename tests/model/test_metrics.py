import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.metrics import (
    Bins,
    auc,
    calibration_error,
    clustered,
    coverage,
    estimate,
    log_loss,
    ndcg,
    recall,
    reliability,
    share_of_places,
)

LOG2_3, LOG2_4 = np.log2(3), 2.0


def row(*hits: int) -> np.ndarray:
    return np.array([hits], dtype=bool)


@pytest.mark.parametrize(
    ("hits", "n_relevant", "k", "expected"),
    [
        ([1, 0, 0, 0], 1, 4, 1.0),
        ([0, 1, 0, 0], 1, 4, 1 / LOG2_3),
        ([0, 0, 0, 0], 3, 4, 0.0),
        ([1, 0, 1, 0], 2, 4, (1 + 1 / LOG2_4) / (1 + 1 / LOG2_3)),
        ([1, 0, 1, 0], 2, 2, 1 / (1 + 1 / LOG2_3)),
        ([1, 1, 0, 0], 9, 2, 1.0),  # more hidden likes than places: the ideal fills the places
    ],
)
def test_ndcg_worked_by_hand(hits: list[int], n_relevant: int, k: int, expected: float) -> None:
    assert ndcg(row(*hits), np.array([n_relevant]), k)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("hits", "n_relevant", "k", "expected"),
    [
        ([1, 0, 1, 0], 4, 4, 2 / 4),
        ([1, 0, 1, 0], 4, 3, 2 / 3),
        ([1, 1, 1, 0], 50, 2, 1.0),
        ([0, 0, 0, 1], 1, 3, 0.0),
    ],
)
def test_recall_worked_by_hand(hits: list[int], n_relevant: int, k: int, expected: float) -> None:
    assert recall(row(*hits), np.array([n_relevant]), k)[0] == pytest.approx(expected, rel=1e-12)


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 40), st.integers(1, 30))
def test_metrics_of_a_user_do_not_depend_on_the_other_users(
    hits: list[bool], spare: int, k: int
) -> None:
    k = min(k, len(hits))
    batch = np.array([hits, hits[::-1], [False] * len(hits)])
    n_relevant = np.array([sum(hits) + spare] * 3)
    for metric in (ndcg, recall):
        together = metric(batch, n_relevant, k)
        alone = [metric(batch[i : i + 1], n_relevant[i : i + 1], k)[0] for i in range(3)]
        np.testing.assert_allclose(together, alone)
        assert (together >= 0).all()
        assert (together <= 1 + 1e-12).all()


def test_estimate_is_mean_and_standard_error_of_the_mean() -> None:
    mean, se = estimate(np.array([0.0, 1.0, 0.0, 1.0]))
    assert mean == 0.5
    assert se == pytest.approx(np.sqrt(1 / 3) / 2)


def test_estimate_of_too_few_users_is_no_number() -> None:
    assert np.isnan(estimate(np.array([0.7])).se)
    assert np.isnan(estimate(np.array([])).mean)


@given(
    n_movies=st.integers(1, 150),
    n_users=st.integers(1, 5),
    share=st.floats(0.01, 0.9),
    seed=st.integers(0, 2**32),
)
def test_ranking_metrics_equal_those_of_trec_eval(
    n_movies: int, n_users: int, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    relevant = rng.random((n_users, n_movies)) < share
    relevant[:, rng.integers(n_movies)] = True
    places = np.argsort(rng.random((n_users, n_movies)), axis=1)  # movie at each place
    hits = np.take_along_axis(relevant, places, axis=1)
    n_relevant = relevant.sum(axis=1)
    judged = {str(u): {str(i): 1 for i in np.flatnonzero(relevant[u])} for u in range(n_users)}
    run = {
        str(u): {str(i): float(n_movies - r) for r, i in enumerate(places[u])}
        for u in range(n_users)
    }
    measures = [
        ir_measures.nDCG @ 10, ir_measures.nDCG @ 100, ir_measures.R @ 20, ir_measures.R @ 50,
    ]  # fmt: skip
    for theirs in ir_measures.iter_calc(measures, judged, run):
        user, k = int(theirs.query_id), theirs.measure["cutoff"]
        if theirs.measure.NAME == "nDCG":
            ours, expected = ndcg(hits, n_relevant, k)[user], theirs.value
        else:  # it divides by n where we divide by min(k, n)
            expected = theirs.value * n_relevant[user] / min(k, n_relevant[user])
            ours = recall(hits, n_relevant, k)[user]
        assert ours == pytest.approx(expected, abs=1e-9)


def test_share_of_places_counts_a_short_catalogue_as_unmarked() -> None:
    marked = np.array([[True, False, True, True], [False] * 4])
    np.testing.assert_allclose(share_of_places(marked, 2), [0.5, 0])
    np.testing.assert_allclose(share_of_places(marked, 20), [3 / 20, 0])


def test_coverage_counts_movies_shown_to_anybody_once() -> None:
    assert coverage(np.array([[3, 1, 0], [1, 3, 2], [3, -1, -1]]), 2, 10) == 2 / 10


NOBODY_TWICE = np.arange(1000)


def test_auc_worked_by_hand() -> None:
    # of the four pairs of a like and a dislike, (.35, .4) alone is in the wrong order
    p, liked = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert auc(p, liked, NOBODY_TWICE[:4]).mean == pytest.approx(3 / 4)
    assert auc(np.full(4, 0.3), liked, NOBODY_TWICE[:4]).mean == 0.5


@given(
    p=st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]), min_size=2, max_size=30),
    seed=st.integers(0, 1000),
)
def test_auc_is_the_share_of_pairs_in_the_right_order(p: list[float], seed: int) -> None:
    liked = np.random.default_rng(seed).random(len(p)) < 0.5
    liked[:2] = True, False
    likes, dislikes = np.array(p)[liked], np.array(p)[~liked]
    order = np.sign(likes[:, np.newaxis] - dislikes)
    computed = auc(np.array(p), liked, np.arange(len(p))).mean
    assert computed == pytest.approx((order + 1).mean() / 2, abs=1e-12)


def test_standard_error_of_auc_is_the_spread_over_repetitions() -> None:
    rng = np.random.default_rng(0)
    estimates = []
    for _ in range(300):
        taste = np.repeat(rng.normal(0, 1, 40), 5)  # the ratings of a user go together
        liked = rng.random(200) < 1 / (1 + np.exp(-taste))
        p = liked + taste + rng.normal(0, 2, 200)
        estimates.append(auc(p, liked, np.repeat(np.arange(40), 5)))
    means, errors = zip(*estimates, strict=True)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_auc_needs_both_kinds() -> None:
    assert np.isnan(auc(np.array([0.2, 0.3]), np.array([True, True]), np.arange(2)).mean)


def test_log_loss_worked_by_hand() -> None:
    loss = log_loss(np.array([0.5, 0.8, 0.8]), np.array([True, True, False]))
    np.testing.assert_allclose(loss, -np.log([0.5, 0.8, 0.2]))


def test_log_loss_of_a_certain_mistake_is_large_and_finite() -> None:
    loss = log_loss(np.array([1.0, 0.0], dtype=np.float32), np.array([False, True]))
    np.testing.assert_allclose(loss, -np.log(1e-7), rtol=1e-3)


def test_bins_hold_equal_numbers_of_rising_probability() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(1003)
    bins = reliability(p, rng.random(1003) < p)
    assert bins.n.sum() == 1003
    assert set(bins.n) == {100, 101}
    assert (np.diff(bins.predicted) > 0).all()
    np.testing.assert_allclose(bins.predicted[0], np.sort(p)[:101].mean())


def test_calibration_error_worked_by_hand() -> None:
    bins = Bins(np.array([0.2, 0.6]), np.array([0.1, 0.9]), np.array([30, 10]))
    assert calibration_error(bins) == pytest.approx(0.75 * 0.1 + 0.25 * 0.3)


def test_calibration_error_of_true_probabilities_is_small_and_of_shifted_ones_is_the_shift() -> (
    None
):
    rng = np.random.default_rng(2)
    p = rng.uniform(0.2, 0.8, 100_000)
    liked = rng.random(100_000) < p
    assert calibration_error(reliability(p, liked)) < 0.01
    assert calibration_error(reliability(p + 0.15, liked)) == pytest.approx(0.15, abs=0.01)


def test_no_ratings_at_all_give_no_figures() -> None:
    nothing, no_users = np.empty(0), np.empty(0, dtype=int)
    assert np.isnan(calibration_error(reliability(nothing, nothing.astype(bool))))
    assert np.isnan(clustered(nothing, no_users).mean)


def test_clustered_error_is_the_usual_one_when_nobody_rates_twice() -> None:
    values = np.random.default_rng(3).normal(size=50)
    assert clustered(values, np.arange(50)) == pytest.approx(estimate(values))


def test_clustered_error_counts_people_and_not_ratings() -> None:
    values = np.random.default_rng(4).normal(size=50)
    same = clustered(np.repeat(values, 20), np.repeat(np.arange(50), 20))
    assert same == pytest.approx(estimate(values))

from typing import Any

import numpy as np
import pytest

from data import Interactions
from data.temporal import (
    Timed,
    TimeSlices,
    age_weights,
    rolling_windows,
    slice_by_time,
    temporal,
)


def contents(part: Interactions) -> dict[tuple[Any, int], bool]:
    pairs = zip(part.user_keys[part.user_rows], part.movie_ids[part.movie_rows], strict=True)
    return dict(zip(pairs, part.liked.tolist(), strict=True))


@pytest.fixture
def slices() -> TimeSlices:
    return TimeSlices(
        training=Interactions.from_arrays(["a", "a", "b", "d"], [1, 2, 3, 1], [1, 0, 1, 1]),
        validation=Interactions.from_arrays(["c", "b", "a"], [1, 2, 9], [1, 1, 1]),
        test=Interactions.from_arrays(["c", "a", "e", "d"], [2, 3, 1, 2], [1, 1, 1, 0]),
    )


def test_what_was_rated_before_is_given_and_what_was_rated_after_is_hidden(
    slices: TimeSlices,
) -> None:
    split = temporal(slices)
    # b alone has a like of a known movie in the second period: a liked 9, not rated before
    assert contents(split.validation.given) == {("b", 3): True}
    assert contents(split.validation.hidden) == {("b", 2): True}
    # e has nothing before the third period, d no like in it
    assert contents(split.test.given) == {("a", 1): True, ("a", 2): False, ("c", 1): True}
    assert contents(split.test.hidden) == {("a", 3): True, ("c", 2): True}
    for held_out in (split.validation, split.test):
        np.testing.assert_array_equal(held_out.given.user_keys, held_out.hidden.user_keys)


def test_movies_are_those_of_the_first_period(slices: TimeSlices) -> None:
    split = temporal(slices)
    for part in (split.training, split.refit, split.validation.hidden, split.test.given):
        assert part.movie_ids.tolist() == [1, 2, 3]


def test_the_last_fit_sees_the_first_two_periods(slices: TimeSlices) -> None:
    split = temporal(slices)
    assert contents(split.refit) == contents(split.training) | {("c", 1): True, ("b", 2): True}


def test_periods_follow_one_another_and_hold_their_shares() -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(0, 500, 1000)  # many ratings in one second
    slices = slice_by_time(np.arange(1000), times, np.ones(1000), times)
    seen = [part.movie_ids for part in (slices.training, slices.validation, slices.test)]
    assert seen[0].max() < seen[1].min()
    assert seen[1].max() < seen[2].min()
    sizes = [part.n_ratings for part in (slices.training, slices.validation, slices.test)]
    np.testing.assert_allclose(np.array(sizes) / 1000, [0.8, 0.1, 0.1], atol=0.01)


def test_ratings_of_one_moment_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="no ratings in one of three periods cut at 7"):
        slice_by_time([1, 2, 3], [1, 2, 3], [1, 1, 1], [7, 7, 7])


def test_times_follow_the_order_of_the_matrix() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.permutation(200)[:120]
    users, movies = pairs // 20 + 5, pairs % 20 + 100
    timed = Timed.from_arrays(users, movies, pairs % 2, 1000 * users + movies)
    x = timed.interactions
    expected = 1000 * x.user_keys[x.user_rows] + x.movie_ids[x.movie_rows]
    np.testing.assert_array_equal(timed.rated_at, expected)
    keys = x.user_keys[[3, 1]]
    some = x.select_users([3, 1])
    expected = 1000 * keys[some.user_rows] + some.movie_ids[some.movie_rows]
    np.testing.assert_array_equal(timed.of_users(keys), expected)


def test_the_latest_ratings_are_whole_seconds() -> None:
    timed = Timed.from_arrays([1, 2, 3, 4], [1, 1, 1, 1], [1, 1, 1, 1], [5, 9, 9, 7])
    assert contents(timed.latest(0.25)) == {(2, 1): True, (3, 1): True}
    assert timed.latest(1.0).n_ratings == 4


@pytest.fixture
def random_columns() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(1)
    pairs = rng.permutation(60 * 80)[:2000]
    times = np.sort(rng.integers(0, 700, 2000))  # many ratings in one second
    return pairs // 80, pairs % 80, rng.random(2000) < 0.6, times


def test_windows_train_on_what_is_before_and_hide_what_is_within(
    random_columns: tuple[np.ndarray, ...],
) -> None:
    users, movies, liked, times = random_columns
    windows = rolling_windows(*random_columns, starts=(0.5, 0.55, 0.9, 0.95))
    at = {(u, m): (t, y) for u, m, y, t in zip(users, movies, liked, times, strict=True)}
    for window in windows:
        for pair, value in contents(window.training.interactions).items():
            assert at[pair][0] < window.begin
            assert at[pair][1] == value
        for held_out in (window.returning, window.new):
            np.testing.assert_array_equal(held_out.given.user_keys, held_out.hidden.user_keys)
            assert (held_out.hidden.likes_per_user > 0).all()
            for pair in contents(held_out.hidden):
                assert window.begin <= at[pair][0] < window.end
        given = window.returning.given
        moments = [at[pair][0] for pair in contents(given)]
        np.testing.assert_array_equal(window.given_at, moments)
        before = np.isin(users[times < window.begin], given.user_keys).sum()
        assert given.n_ratings == before
        assert window.new.given.n_ratings == 0
        assert not np.isin(window.new.given.user_keys, users[times < window.begin]).any()


def test_windows_that_follow_one_another_share_no_rating(
    random_columns: tuple[np.ndarray, ...],
) -> None:
    starts = np.arange(0.5, 0.96, 0.05).tolist()
    windows = rolling_windows(*random_columns, starts=starts)
    assert [w.end for w in windows[:-1]] == [w.begin for w in windows[1:]]
    assert windows[-1].end > random_columns[3].max()
    sizes = [((random_columns[3] >= w.begin) & (random_columns[3] < w.end)).mean() for w in windows]
    np.testing.assert_allclose(sizes, 0.05, atol=0.005)


def test_a_rating_counts_half_for_every_half_life() -> None:
    year = round(365.25 * 86_400)
    weights = age_weights(np.array([0, 9 * year, 10 * year, 11 * year]), 10 * year, 2.0)
    np.testing.assert_allclose(weights, [0.5**5, 0.5**0.5, 1, 1], rtol=1e-6)


def test_windows_of_ratings_without_times_are_refused() -> None:
    with pytest.raises(ValueError, match="need the times of the ratings"):
        rolling_windows([1, 2, 3], [1, 2, 3], [1, 1, 1], [7, 7, 7], starts=(0.5,))

import numpy as np
import pytest

from data import Interactions
from data.temporal import TimeSlices, slice_by_time, temporal


def contents(part: Interactions) -> dict[tuple[str, int], bool]:
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
    # b alone has a like of a known movie in the second period: a liked 9, which nobody rated before
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

"""Ratings of any scale as stars, and moments in any form as Unix seconds."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.mapping import Mapping
from data.release import DatasetError
from data.stars import StarScale
from data.times import any_times

NEW_YEAR = 1_704_067_200


@given(
    scale=st.tuples(st.integers(-10, 10), st.integers(1, 100)),
    like_share=st.floats(0.01, 1),
    threshold=st.sampled_from([0.6, 1.0, 3.7, 4.0, 5.0]),
    shares=st.lists(st.floats(0, 1), max_size=20),
)
def test_a_rating_is_a_like_exactly_from_the_rating_that_says_so(
    scale: tuple[int, int], like_share: float, threshold: float, shares: list[float]
) -> None:
    low, high = float(scale[0]), float(sum(scale))
    like_from = min(low + like_share * (high - low), high)
    ratings = np.array([low, high, like_from, *(low + share * (high - low) for share in shares)])
    ratings = np.clip(ratings, low, high)
    stars = StarScale(low, high, like_from, threshold).stars(ratings)
    # As the database stores them.
    stored = stars.astype(np.float32).astype(np.float64).round(4)

    np.testing.assert_array_equal(stored >= threshold, ratings >= like_from)
    assert ((stored >= 0.5) & (stored <= 5)).all()
    assert (np.diff(stored[np.argsort(ratings, kind="stable")]) >= 0).all()
    assert (stored[0], stored[1]) == (0.5, 5.0) or like_from <= low


def test_without_a_like_the_scale_is_mapped_linearly() -> None:
    stars = StarScale(0, 10).stars(np.array([0, 5, 10, -0.1, 10.1, np.nan]))
    np.testing.assert_array_equal(stars, [0.5, 2.75, 5.0, np.nan, np.nan, np.nan])
    assert StarScale().stars(np.array([3.3])).tolist() == [3.3]


def test_where_every_rating_is_a_like_nothing_can_tell_them_apart() -> None:
    with pytest.raises(DatasetError, match="like_from needs a like threshold above"):
        StarScale.of(Mapping(like_from=3.0), 0.5)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1704067200", NEW_YEAR),
        ("1704067200.75", NEW_YEAR),
        ("1704067200123", NEW_YEAR),
        ("253402300799", 253_402_300_799),
        ("253402300800", 253_402_300),
        ("2024-01-01", NEW_YEAR),
        ("2024-01-01T00:00:00", NEW_YEAR),
        ("2024-01-01 00:00", NEW_YEAR),
        ("2024-01-01T00:00:00.999999Z", NEW_YEAR),
        ("2024-01-01 00:00:00 UTC", NEW_YEAR),
        ("2024-01-01T02:30:00+02:30", NEW_YEAR),
        ("2023-12-31T19:00:00-0500", NEW_YEAR),
        ("1970-01-01", 0),
        ("1969-12-31", None),
        ("2024-02-30", None),
        ("2024-01-01T25:00:00", None),
        ("01/02/2024", None),
        ("yesterday", None),
        ("-5", None),
        ("1000000000000000", None),
        ("", None),
        (None, None),
    ],
)
def test_a_moment_is_read_in_any_form(value: str | None, seconds: int | None) -> None:
    # Not alone: the forms of a column may differ.
    times, bad = any_times(pa.array([value, "1000", "2024-01-01T00:00:00Z"], pa.string()))
    assert bad.tolist() == [seconds is None, False, False]
    assert times[1:].tolist() == [1000, NEW_YEAR]
    assert seconds is None or times[0] == seconds


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([datetime(2024, 1, 1, tzinfo=UTC)], pa.timestamp("ns", "Europe/Berlin")),
        ([datetime(2024, 1, 1)], pa.timestamp("ms")),  # noqa: DTZ001 (without a zone)
        ([date(2024, 1, 1)], pa.date32()),
        ([NEW_YEAR], pa.uint64()),
        ([NEW_YEAR * 1000], pa.int64()),
        ([NEW_YEAR + 0.5], pa.float64()),
    ],
)
def test_a_moment_of_parquet_is_read_in_any_type(values: list[Any], kind: pa.DataType) -> None:
    times, bad = any_times(pa.array([*values, None], kind))
    assert times[0] == NEW_YEAR
    assert bad.tolist() == [False, True]

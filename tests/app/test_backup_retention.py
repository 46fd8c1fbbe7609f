"""Which back-ups are kept: by their names alone."""

from datetime import UTC, datetime, timedelta

import pytest

from app.backup.retention import Keep, moment_of, name_of, names_of

OURS, OTHERS = "0123456789ab", "ba9876543210"
FIRST = datetime(2026, 1, 1, 3, tzinfo=UTC)
DAILY = [name_of(OURS, FIRST + timedelta(days=day)) for day in range(400)]  # to 4 February 2027


def days(names: set[str]) -> list[str]:
    return [f"{moment_of(name):%m-%d}" for name in sorted(names, reverse=True)]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (Keep(1), ["02-04"]),
        (Keep(3), ["02-04", "02-03", "02-02"]),
        # The weeks end on 4 February (so far), 31 and 24 January.
        (Keep(2, weekly=3), ["02-04", "02-03", "01-31", "01-24"]),
        (Keep(1, monthly=4), ["02-04", "01-31", "12-31", "11-30"]),
        (Keep(2, weekly=2, monthly=3), ["02-04", "02-03", "01-31", "12-31"]),
    ],
)
def test_the_newest_and_the_last_of_weeks_and_months_are_kept(
    keep: Keep, expected: list[str]
) -> None:
    assert days(keep.of(DAILY)) == expected


def test_what_is_kept_day_by_day_is_what_is_kept_of_all() -> None:
    """The last of a month must not have been removed before it is known to be the last."""
    keep, held = Keep(3, weekly=4, monthly=12), set[str]()
    for name in DAILY:
        held = keep.of({*held, name})
    assert held == keep.of(DAILY)


def test_all_are_kept_without_a_number() -> None:
    assert Keep().of(DAILY) == set(DAILY)


def test_only_back_ups_of_the_installation_that_were_made_by_themselves_are_named() -> None:
    others = [
        name_of(OTHERS, FIRST), "recommender-20260101T030000Z.tar", "before the update.tar",
        f"recommender-erasures-{OURS}.json", f".{DAILY[0]}.1f.unfinished", f"{DAILY[0]}.gpg",
        f"below/{DAILY[0]}", f"recommender-{OURS}-20261332T030000Z.tar",
    ]  # fmt: skip
    assert names_of(OURS, [*others, *DAILY[:2]]) == set(DAILY[:2])

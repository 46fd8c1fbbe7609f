from typing import Literal

RatingImpliedBy = Literal["clicked", "purchased", "watched"]

RATING_IMPLIED_BY_VALUES: set[RatingImpliedBy] = {
    "clicked",
    "purchased",
    "watched",
}


def check_rating_implied_by(value: str) -> RatingImpliedBy:
    if value in RATING_IMPLIED_BY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RATING_IMPLIED_BY_VALUES!r}")

"""Reads the values of a report, and writes them: every number of the card goes through here."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

DASH = "\u2013"
SECONDS_PER_MINUTE = 60

# Control characters, lone surrogates and non-characters: legal in JSON, not in HTML or XML.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Estimate(NamedTuple):
    """A mean and its standard error, each None where there is none."""

    mean: float | None
    se: float | None = None


def number(value: object) -> float | None:
    """Return a finite float, or None for anything else: None, NaN, infinity, text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        as_float = float(value)
    except OverflowError:
        return None
    return as_float if math.isfinite(as_float) else None


def estimate(value: object) -> Estimate:
    """Read ``{"mean", "se"}`` or a bare number."""
    if isinstance(value, Mapping):
        return Estimate(number(value.get("mean")), number(value.get("se")))
    return Estimate(number(value))


def mappings(value: object) -> list[Mapping[str, Any]]:
    """Return the mappings of a list; none if it is no list."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [item for item in value if isinstance(item, Mapping)]


def clean(value: object) -> str:
    """Text without the characters that neither HTML nor XML can hold."""
    return DASH if value is None else UNPRINTABLE.sub("\ufffd", str(value))


def figure(value: object, digits: int = 3) -> str:
    """Write a number with a fixed number of decimals: .3809 -> 0.381."""
    finite = number(value)
    return DASH if finite is None else f"{finite:.{digits}f}".replace("-", "\u2212")


def signed(value: object, digits: int = 2) -> str:
    """Write the same with its sign, + included."""
    finite = number(value)
    return DASH if finite is None else f"{finite:+.{digits}f}".replace("-", "\u2212")


def count(value: object) -> str:
    """Write a whole number with thousands separated: 100836 -> 100,836."""
    finite = number(value)
    return DASH if finite is None else f"{finite:,.0f}"


def tenth(value: float) -> str:
    """Write a coordinate to a tenth, without trailing zeros."""
    return f"{value:.1f}".removesuffix(".0")


def percent(value: object, digits: int = 0) -> str:
    """Write a share as a percentage: .12 -> 12 %."""
    finite = number(value)
    return DASH if finite is None else f"{finite:.{digits}%}".replace("%", "\u00a0%")


def duration(value: object) -> str:
    """Seconds, from two minutes on as minutes and seconds."""
    finite = number(value)
    if finite is None:
        return DASH
    if finite < 2 * SECONDS_PER_MINUTE:
        return f"{finite:.3g}\u00a0s"
    minutes, seconds = divmod(round(finite), SECONDS_PER_MINUTE)
    return f"{minutes:,}\u00a0min {seconds}\u00a0s"


def moment(value: object) -> str:
    """Write an ISO 8601 time as a date to read, in UTC; anything else as it is."""
    try:
        when = datetime.fromisoformat(str(value))
    except ValueError:
        return clean(value)
    if when.tzinfo is None:
        return f"{when.day} {when:%B %Y, %H:%M}"
    when = when.astimezone(UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def setting(value: object) -> str:
    """Write a value of a setting: yes or no, a short number, a list with commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return DASH if number(value) is None else f"{value:.6g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(setting(item) for item in value)
    return clean(value)

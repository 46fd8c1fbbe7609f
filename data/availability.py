"""Whether and when lists may have a movie, as files say it."""

from __future__ import annotations

from typing import Any

from data.movies import FieldError
from data.rules import shown
from data.times import unix_second

__all__ = ["availability"]

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")


def availability(given: dict[str, Any]) -> dict[str, Any]:
    """Return `withdrawn`, `available_from` and `available_until` as `data.movies.Movie` has them.

    Parameters
    ----------
    given : dict
        The fields of these names, as a file has them; others are ignored.

    Raises
    ------
    FieldError
        A field that is no flag or no moment, or a window that ends before it begins.
    """
    withdrawn = _flag(given.get("withdrawn"))
    begin, end = (_moment(given.get(name)) for name in ("available_from", "available_until"))
    if begin is not None and end is not None and end <= begin:
        raise FieldError(
            f"available_until ({end}) is not later than available_from ({begin}), in Unix seconds"
        )
    return {"withdrawn": withdrawn, "available_from": begin, "available_until": end}


def _flag(value: Any) -> bool | None:
    text = "" if value is None else str(value).strip().lower()
    if text not in ("", *_TRUE, *_FALSE):
        raise FieldError(f"{shown(value)} says neither true nor false (withdrawn)")
    return text in _TRUE if text else None


def _moment(value: Any) -> int | None:
    if value is None or value == "" or value != value:  # noqa: PLR0124 (NaN)
        return None
    try:
        return unix_second(value)
    except ValueError as error:
        raise FieldError(
            f"{shown(value)} is no time (Unix seconds or 2026-01-31T10:15:00Z)"
        ) from error

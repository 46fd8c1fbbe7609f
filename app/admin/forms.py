"""What the forms of the pages have in common: rows of tables, and what is wrong, in words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.core.errors import AppError, InvalidRequestError
from app.live.rules import RuleName

Fields = Mapping[str, str]

# Rows of a table beyond those that are filled in.
BLANK_ROWS = 2
PERCENT = 100
MAX_DIGITS = 9
NAME: TypeAdapter[str] = TypeAdapter(RuleName)


class ProblemError(ValueError):
    """A form cannot be carried out as it is; the message is for the page."""


def problem_of(errors: Sequence[Any], labels: Mapping[str, str]) -> ProblemError:
    """Say the first of the errors of pydantic, with the labels of the form in place of names."""
    return _said(errors[0]["loc"], errors[0]["msg"].removeprefix("Value error, "), labels)


def refusal(error: AppError, labels: Mapping[str, str]) -> ProblemError:
    """Say why a service refused what a form says."""
    if isinstance(error, InvalidRequestError):
        first = error.extra["fields"][0]
        return _said(first.location[1:], first.message, labels)
    return ProblemError(error.detail)


def name_of(text: str) -> str:
    """Return the name of a scenario or experiment; raises `ProblemError`."""
    try:
        return NAME.validate_python(text)
    except ValidationError:
        raise ProblemError(
            "A name has small letters, digits, - and _, 64 at most, and begins with a letter or "
            "digit."
        ) from None


def texts_of(fields: Fields) -> Fields:
    """Give the fields, with an empty text for those that were not sent."""
    return defaultdict(str, fields)


def rows_of(fields: Fields, kind: str, at_most: int) -> list[dict[str, str]]:
    """Return the rows of a table, named `kind-0-…`, without those that are left blank."""
    found: dict[int, dict[str, str]] = {}
    for name, text in fields.items():
        place = re.fullmatch(rf"{kind}-([0-9]{{1,3}})-(\w+)", name)
        if place and text:
            found.setdefault(int(place[1]), {})[place[2]] = text
    if len(found) > at_most:
        raise ProblemError(f"There are more than {at_most} rows of a {kind}.")
    return [found[i] for i in sorted(found)]


def rows_shown(fields: Fields, kind: str, at_most: int, more: int = BLANK_ROWS) -> int:
    """Return how many rows of a table to show: up to the last that is filled in, and some more."""
    parts = (name.split("-") for name, text in fields.items() if text)
    filled = max((number(part[1]) + 1 for part in parts if part[0] == kind), default=0)
    return min(filled + more, at_most)


def filled(fields: Fields, *names: str) -> dict[str, str]:
    """Return those of the fields that are not empty."""
    return {name: fields[name] for name in names if fields.get(name)}


def share_of(percent: str) -> float | str:
    """Return a share that was written in percent; a text that is no number stays for the check."""
    try:
        return float(percent) / PERCENT
    except ValueError:
        return percent


def percent_of(share: float) -> str:
    """Write a share in percent."""
    return f"{PERCENT * share:.10g}"


def number(text: str) -> int:
    """Read a number that the page itself has written; 0 for anything else."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS
    return int(text) if is_number else 0


def _said(place: Sequence[str | int], message: str, labels: Mapping[str, str]) -> ProblemError:
    """Say where and what; rows are numbered from 1, and what has no label is left out."""
    words = [str(part + 1) if isinstance(part, int) else labels.get(part, "") for part in place]
    where = " ".join(dict.fromkeys(word for word in words if word))
    text = f"{where}: {message}" if where else message
    return ProblemError(text[:1].upper() + text[1:])

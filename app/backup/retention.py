"""Which of the back-ups that are made by themselves are kept.

Their names tell the installation and the time. No other file is ever removed: neither a back-up
that somebody has named, nor those of another installation in the same folder.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

TIME = "%Y%m%dT%H%M%SZ"
NAME = re.compile(r"recommender-(?P<installation>[0-9a-f]{12})-(?P<time>\d{8}T\d{6}Z)\.tar")
WEEK, MONTH = "%G-%V", "%Y-%m"


@dataclass(frozen=True, slots=True)
class Keep:
    """How many back-ups are kept: the newest, and the last ones of weeks and months."""

    newest: int | None = None
    """None: all."""
    weekly: int = 0
    monthly: int = 0

    def of(self, names: Iterable[str]) -> set[str]:
        """Return those that are kept, of the names of one installation."""
        ordered = sorted(names, reverse=True)  # the newest first
        if self.newest is None:
            return set(ordered)
        weeks, months = _last_of_each(ordered, WEEK), _last_of_each(ordered, MONTH)
        return {*ordered[: self.newest], *weeks[: self.weekly], *months[: self.monthly]}


def name_of(installation: str, moment: datetime) -> str:
    """Name the file of a back-up."""
    return f"recommender-{installation}-{moment:{TIME}}.tar"


def moment_of(name: str) -> datetime | None:
    """Return the time in the name of a back-up; None if it is no such name."""
    found = NAME.fullmatch(name)
    try:
        return datetime.strptime(found["time"], TIME).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def names_of(installation: str, names: Iterable[str]) -> set[str]:
    """Return the names of the back-ups of an installation."""
    found = (NAME.fullmatch(name) for name in names)
    ours = {match[0] for match in found if match and match["installation"] == installation}
    return {name for name in ours if moment_of(name)}


def _last_of_each(ordered: list[str], period: str) -> list[str]:
    last: dict[str, str] = {}
    for name in ordered:
        moment = moment_of(name)
        if moment:
            last.setdefault(moment.strftime(period), name)
    return list(last.values())

"""Which column of a file is what: by the names that are usual, or as a mapping says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from data.columns import MOVIE_NAMES
from data.mapping import LOG_ROLES, Mapping
from data.release import DatasetError
from data.rules import MAX_REASON_LENGTH, cleaned, shown

if TYPE_CHECKING:
    from data.tables import Table

__all__ = ["RATING_ALIASES", "column_roles", "is_catalogue", "log_roles", "plain"]

# Of MovieLens.
RATING_ALIASES = {
    "user": ("user", "userid", "uid"),
    "movie": MOVIE_NAMES,
    "rating": ("rating", "stars", "score"),
    "timestamp": ("timestamp", "time", "ratedat", "unixtime", "occurredat"),
}
LOG_ALIASES = RATING_ALIASES | {
    "liked": ("liked", "like"),
    "kind": ("kind", "event", "eventtype"),
    "value": ("value", "share"),
    "event_id": ("eventid",),
}
OPINIONS = {"rating", "liked"}
# In JSON Lines the first rows may have none of them.
LATE_OF_RATINGS = ("rating", "liked")
LATE_OF_EVENTS = ("rating", "value", "event_id")
TITLE_NAMES = ("title", "name")
HINT = (
    "; to read other columns, or to leave some out, say what counts: "
    "--map user=NAME,movie=NAME,rating=NAME"
)
DELIMITER_HINT = "; if it is several columns, say what divides them: --delimiter ';'"


def plain(name: str) -> str:
    """Return the name of a column in lower case, without spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]", "", name).lower()


def column_roles(
    names: list[str],
    where: str,
    aliases: dict[str, tuple[str, ...]],
    *,
    optional: tuple[str, ...] = (),
    hint: str = "",
) -> list[str]:
    """Return the role of each column of a header.

    Parameters
    ----------
    names : list of str
        The names in the file, in its order.
    where : str
        Beginning of error messages.
    aliases : dict
        The names of each role, in lower case without spaces, hyphens and underscores, which are
        ignored: ``userid`` stands for ``userId`` and ``User_ID``.
    optional : tuple of str
        Roles that may be missing.
    hint : str
        What to do about an unknown name.

    Raises
    ------
    DatasetError
        An unknown name, two columns of one role, or a required role without one.
    """
    role_of = {alias: role for role, alternatives in aliases.items() for alias in alternatives}
    roles: list[str] = []
    for name in names:
        role = role_of.get(plain(name))
        if role is None:
            known = ", ".join(names[0] for names in aliases.values())
            raise DatasetError(f"{where}: unknown column {shown(name)} (known: {known}){hint}")
        if role in roles:
            raise DatasetError(f"{where}: {shown(name)} is a second {aliases[role][0]} column")
        roles.append(role)
    for role, alternatives in aliases.items():
        if role not in roles and role not in optional:
            raise DatasetError(
                f"{where}: no {alternatives[0]} column ({' or '.join(alternatives)}) among "
                f"{', '.join(' '.join(name.split()) for name in names)}"
            )
    return roles


def log_roles(table: Table, mapping: Mapping) -> dict[str, str]:
    """Return the column of each role of a log.

    Raises
    ------
    DatasetError
        A column that the mapping names is missing or there twice, or a required role has none;
        without such a mapping, what `column_roles` refuses.
    """
    where = f"{table.file.label}, line 1" if table.unit == "line" else table.file.label
    found = {role: name for role, name in mapping.columns.items() if role in LOG_ROLES}
    if found:
        for role, name in found.items():
            n_times = table.names.count(name)
            if n_times > 1 or (n_times == 0 and not table.more_may_follow):
                there = "is there twice" if n_times else f"is not among {_list(table)}"
                raise DatasetError(f"{where}: the column {shown(name)} of the {role} {there}")
    else:
        optional = tuple(role for role in LOG_ALIASES if role not in ("user", "movie"))
        hint = HINT if len(table.names) > 1 else DELIMITER_HINT
        roles = column_roles(table.names, where, LOG_ALIASES, optional=optional, hint=hint)
        found = dict(zip(roles, table.names, strict=True))
        if table.more_may_follow:
            is_events = mapping.kind is not None or "kind" in found
            late = (
                LATE_OF_EVENTS if is_events else LATE_OF_RATINGS if OPINIONS & found.keys() else ()
            )
            found = {role: role for role in late} | found
    for role in ("user", "movie"):
        if role not in found:
            raise DatasetError(f"{where}: no {role} column among {_list(table)}{HINT}")
    if mapping.kind is None and not found.keys() & {*OPINIONS, "kind"}:
        raise DatasetError(
            f"{where}: no rating column (rating or stars or score), and none of liked or kind, "
            f"among {_list(table)}{HINT}, or what each row is: --kind clicked"
        )
    return found


def is_catalogue(table: Table, mapping: Mapping) -> bool:
    """Tell whether a file holds movies: one with titles and without users, or if it says so."""
    if mapping.movies_only:
        return True
    names = {plain(name) for name in table.names}
    if "user" in mapping.columns or names & set(RATING_ALIASES["user"]):
        return False
    has_titles = "title" in mapping.columns or bool(names & set(TITLE_NAMES))
    return has_titles or plain(table.file.name).partition(".")[0] == "movies"


def _list(table: Table) -> str:
    names = ", ".join(" ".join(name.split()) for name in table.names[:20])
    return cleaned(names[:MAX_REASON_LENGTH])

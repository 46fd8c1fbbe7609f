"""The movies of a file beside those of the database: new ones, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from app.datasets import frames
from app.db.sql import upsert
from app.db.tables import movies
from data.movie_keys import MovieKey, public_key
from data.progress import Progress
from data.rules import shown

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 5_000
DETAILS = (
    "title", "year", "genres", "imdb_id", "tmdb_id", "attributes",
    "withdrawn", "available_from", "available_until",
)  # fmt: skip

Row = Mapping[str, Any]


class Change(NamedTuple):
    """A detail of a movie that the file gives another value."""

    movie: MovieKey
    detail: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """Name the movie, the detail and both values, on one line."""
        name = shown(self.movie) if isinstance(self.movie, str) else str(self.movie)
        return f"movie {name}: {self.detail} {shown(self.before)} -> {shown(self.after)}"


@dataclass(frozen=True, slots=True, eq=False)
class MovieUpdate:
    """What the movies of a file change."""

    new: Sequence[Row]
    changed: Sequence[Row]
    changes: Sequence[Change]  # of values that the database has, not of what was missing there
    others: Sequence[tuple[Row, Row]]  # in the database and in the file, by title or year
    same_id: Sequence[tuple[MovieKey, MovieKey]]  # different keys

    @classmethod
    def of(cls, connection: Connection, given: pd.DataFrame) -> MovieUpdate:
        """Compare the movies of a release with those of the database.

        What a file leaves out stays as it is: a missing year, no genres, a title made from the key.
        """
        stored = read(connection)
        new, changed, changes, others, same_id = [], [], [], [], []
        for row in frames.movie_rows(given):
            held = stored.get(row["id"])
            if held is None:
                new.append({**row, "withdrawn": bool(row["withdrawn"])})
                continue
            if held["key"] != row["key"]:
                same_id.append((key_of(held), key_of(row)))
            if is_other(held, row):
                others.append((held, row))
            merged = {name: _merged(name, held, row) for name in DETAILS}
            differing = [name for name in DETAILS if merged[name] != held[name]]
            if differing:
                changed.append({"movie_id": row["id"], **merged})
                changes += [change for name in differing for change in _changes(name, held, row)]
        return cls(new, changed, changes, others, same_id)

    def write(self, connection: Connection, report: Progress) -> None:
        """Add what is new, and bring up to date what has changed."""
        total, done = len(self.new) + len(self.changed), 0
        report("movies", done, total)
        add = upsert(connection, movies).on_conflict_do_nothing()
        stored = [column.name for column in movies.c]
        values: dict[str, Any] = {name: bindparam(name) for name in DETAILS}
        change = update(movies).where(movies.c.id == bindparam("movie_id")).values(values)
        for statement, rows, names in (
            (add, self.new, stored),
            (change, self.changed, ("movie_id", *DETAILS)),
        ):
            for begin in range(0, len(rows), CHUNK):
                chunk = rows[begin : begin + CHUNK]
                connection.execute(
                    statement,
                    [{name: row[name] for name in names} for row in chunk],
                )
                done += len(chunk)
                report("movies", done, total)


def read(connection: Connection) -> dict[int, Row]:
    """Read all movies, with `titled`: whether the title is more than the key."""
    rows = [dict(row) for row in connection.execute(select(movies)).mappings()]
    return {row["id"]: {**row, "titled": frames.is_titled(row)} for row in rows}


def key_of(row: Row) -> MovieKey:
    """Return the key of a movie."""
    return public_key(row["id"], row["key"])


def is_other(held: Row, given: Row) -> bool:
    """Tell whether two movies of one id are different ones, by title and year."""
    titles = held["titled"] and given["titled"] and held["title"] != given["title"]
    years = None not in (held["year"], given["year"]) and held["year"] != given["year"]
    return bool(titles or years)


def named(rows: Iterable[Row]) -> dict[int, Row]:
    """Return movies by their ids."""
    return {row["id"]: row for row in rows}


def _merged(name: str, held: Row, given: Row) -> Any:
    if name == "title":
        return given["title"] if given["titled"] else held["title"]
    if name == "attributes" and given[name]:
        return {**(held[name] or {}), **given[name]}
    if name == "withdrawn":
        return held[name] if given[name] is None else given[name]
    return given[name] or held[name]


def _changes(name: str, held: Row, given: Row) -> list[Change]:
    """Return what takes the place of a value; a value where there was none is no change."""
    key = key_of(held)
    if name == "attributes":
        before = held[name] or {}
        return [
            Change(key, attribute, before[attribute], value)
            for attribute, value in given[name].items()
            if attribute in before and before[attribute] != value
        ]
    missing = not held["titled"] if name == "title" else not held[name]
    return [] if missing else [Change(key, name, held[name], given[name])]

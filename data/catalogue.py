"""Movies of one's own: a table with a key per movie, and whatever else is known about it.

Title, year and genres may be missing; all columns without a role become attributes.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from data.availability import availability
from data.columns import MOVIE_NAMES
from data.mapping import MOVIE_ROLES, Mapping
from data.movie_keys import MovieKey, movie_id, movie_key, stored_key
from data.movies import FieldError, Movie, default_title, genres_of, movie_frame
from data.release import DatasetError
from data.roles import TITLE_NAMES, plain
from data.rules import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_MOVIE_ID,
    MAX_TITLE_LENGTH,
    attributes_flaw,
    flaw,
    shown,
)
from data.titles import split_title

if TYPE_CHECKING:
    import pandas as pd

    from data.bad_rows import BadRows
    from data.tables import Record, Table

__all__ = ["read_catalogue"]

ALIASES = {
    "movie": (*MOVIE_NAMES, "id", "key"),
    "title": TITLE_NAMES,
    "year": ("year",),
    "genres": ("genres", "genre"),
    "imdb_id": ("imdbid",),
    "tmdb_id": ("tmdbid",),
    "attributes": ("attributes",),
    "withdrawn": ("withdrawn",),
    "available_from": ("availablefrom",),
    "available_until": ("availableuntil",),
}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_WHOLE = re.compile(r"([0-9]{1,10})(?:\.0*)?")


@dataclass(frozen=True, slots=True)
class _Exact:
    """A value of a CSV whose type is known, from a JSON object."""

    value: Any


@dataclass(slots=True)
class _Rows:
    """The movies read so far."""

    movies: list[Movie] = field(default_factory=list)
    number_of: dict[int, int] = field(default_factory=dict)
    n_rows: int = 0

    def add(self, movie: Movie, number: int, unit: str) -> None:
        """Add a movie; raise if it was there."""
        before = self.number_of.setdefault(movie.movie_id, number)
        if before != number:
            raise FieldError(f"movie {movie.name} again, after {unit} {before}")
        self.movies.append(movie)


def read_catalogue(table: Table, mapping: Mapping, bad_rows: BadRows | None) -> pd.DataFrame:
    """Read movies as `data.release.Release.movies` describes them.

    Parameters
    ----------
    table : Table
    mapping : Mapping
        Names the columns that do not go by a usual name, and the attributes that are kept.
    bad_rows : BadRows, optional
        Takes bad rows, which are left out; without it, the first one is an error.

    Raises
    ------
    DatasetError
        No column of keys, no movie, or a bad row, with its place.
    """
    column_of = _columns(table, mapping)
    rows = _Rows()
    for record in table.records():
        try:
            movie = _movie(record, column_of, mapping, is_text=table.is_text)
            rows.add(movie, record.number, table.unit)
        except FieldError as error:
            if bad_rows is None:
                place = f"{table.unit} {record.number}"
                raise DatasetError(f"{table.file.label}, {place}: {error}") from error
            bad_rows.add(table.file.label, table.unit, [(record.number, str(error), record.text)])
        rows.n_rows += 1
    if bad_rows is not None:
        bad_rows.n_rows += rows.n_rows
    if not rows.movies:
        raise DatasetError(f"{table.file.label} holds no movie")
    return movie_frame(_settled(rows.movies) if table.is_text else rows.movies)


def _columns(table: Table, mapping: Mapping) -> dict[str, str]:
    """Return the name of the column of each role."""
    where = f"{table.file.label}, line 1" if table.unit == "line" else table.file.label
    found: dict[str, str] = {}
    for role in ("movie", *MOVIE_ROLES):
        mapped = mapping.columns.get(role)
        may_follow = table.more_may_follow and role != "movie"
        if mapped is not None and (mapped in table.names or may_follow):
            found[role] = mapped
        elif mapped is not None and role != "movie":
            raise DatasetError(f"{where}: no column {shown(mapped)} (the {role})")
    # Those of JSON Lines may come later.
    for name in (*table.names, *(ALIASES if table.more_may_follow else ())):
        aliased = next((role for role, names in ALIASES.items() if plain(name) in names), None)
        if aliased is not None and aliased not in found and name not in found.values():
            found[aliased] = name
    if "movie" not in found:
        names = ", ".join(map(shown, table.names[:20]))
        raise DatasetError(
            f"{where}: no column of the movies' keys (movie or id) among {names}: "
            "name it as --map movie=NAME"
        )
    return found


def _movie(record: Record, column_of: dict[str, str], mapping: Mapping, *, is_text: bool) -> Movie:
    if record.fault:
        raise FieldError(record.fault)
    given = {role: record.fields.get(name) for role, name in column_of.items()}
    key = _key(given["movie"])
    title, year = _title(given, key, is_whole="year" in column_of or not is_text)
    taken = column_of.values()
    others = {
        name: value
        for name, value in record.fields.items()
        if (name not in taken if mapping.attributes is None else name in mapping.attributes)
    }
    attributes = _attributes(others, given.get("attributes"), is_text=is_text)
    return Movie(
        movie_id(key),
        title or default_title(key),
        year,
        genres_of(_texts("genres", given.get("genres"))),
        key=stored_key(key),
        titled=bool(title),
        imdb_id=_link(given.get("imdb_id")),
        tmdb_id=_link(given.get("tmdb_id")),
        attributes=attributes,
        **availability(given),
    )


def _key(value: Any) -> MovieKey:
    if value is None or value == "":
        raise FieldError("the movie is missing")
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise FieldError(f"{shown(value)} is no movie key (a whole number or a text)")
    try:
        return movie_key(str(value))
    except ValueError as error:
        raise FieldError(str(error)) from error


def _title(
    given: dict[str, Any], key: MovieKey, *, is_whole: bool
) -> tuple[str | None, int | None]:
    """Return title and year; one that is not the whole title is written as in MovieLens."""
    text = given.get("title")
    if text is not None and not isinstance(text, str | int | float):
        raise FieldError(f"the title {shown(text)} is no text")
    title, year = "" if text is None else str(text).strip(), None
    if is_whole:
        year = _year(given.get("year"))
    elif title:
        title, year = split_title(title)
    if problem := flaw(title, MAX_TITLE_LENGTH):
        raise FieldError(f"the title {problem}")
    # What was made up for a movie without a title is none, when it comes back.
    return (None if title == default_title(key) else title), year


def _year(value: Any) -> int | None:
    if value is None or value == "" or value != value:  # noqa: PLR0124 (NaN)
        return None
    found = _WHOLE.fullmatch(str(value).strip())
    if not found or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise FieldError(f"{shown(value)} is no year from {FIRST_YEAR} to {LAST_YEAR}")
    return int(found[1])


def _link(value: Any) -> int | None:
    if value is None or value == "" or value != value:  # noqa: PLR0124 (NaN)
        return None
    found = _WHOLE.fullmatch(str(value).strip().removeprefix("tt"))
    if not found or int(found[1]) > MAX_MOVIE_ID:
        raise FieldError(f"{shown(value)} is no id of IMDb or TMDB")
    return int(found[1])


def _texts(what: str, value: Any) -> list[str]:
    """Return the texts of a list, or those of a text that ``|`` divides."""
    if value is None or value == "":
        return []
    texts = value.split("|") if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise FieldError(f"the {what} {shown(value)} are no texts")
    return [text.strip() for text in texts if text.strip()]


def _attributes(others: dict[str, Any], document: Any, *, is_text: bool) -> dict[str, Any] | None:
    """Return the attributes of a movie: its further columns, and what a JSON object holds."""
    found = {name: _plain(name, value, is_text=is_text) for name, value in others.items()}
    if isinstance(document, str) and document:
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise FieldError(f"the attributes {shown(document)} are no JSON") from error
    if document:
        if not isinstance(document, dict):
            raise FieldError(f"the attributes {shown(document)} are no JSON object")
        # As they are: a number in quotes is a text.
        found |= document
    attributes = {name: value for name, value in found.items() if value is not None}
    if problem := attributes_flaw(attributes):
        raise FieldError(f"{problem} (`attributes` of a mapping says which columns are kept)")
    exact = document if is_text and document else {}
    return {
        name: _Exact(value) if name in exact else value for name, value in attributes.items()
    } or None


def _plain(name: str, value: Any, *, is_text: bool) -> Any:
    """Return a field as text, number or list of texts; None for a missing one."""
    if isinstance(value, str):
        text = value.strip()
        return (_texts(name, text) if is_text and "|" in text else text) or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return value or None if isinstance(value, list) else value


def _settled(movies: list[Movie]) -> list[Movie]:
    """Give each column of a CSV one type: tags where any field has tags, else numbers if all are.

    Numbers are those whose text can be restored: ``007`` and ``1e3`` are texts.
    """
    tagged: set[str] = set()
    worded: set[str] = set()
    for movie in movies:
        for name, value in (movie.attributes or {}).items():
            if isinstance(value, list):
                tagged.add(name)
            elif isinstance(value, str) and not _NUMBER.fullmatch(value):
                worded.add(name)
    return [replace(movie, attributes=_typed(movie.attributes, tagged, worded)) for movie in movies]


def _typed(
    attributes: dict[str, Any] | None, tagged: set[str], worded: set[str]
) -> dict[str, Any] | None:
    def typed(name: str, value: Any) -> Any:
        if isinstance(value, _Exact):
            return value.value
        if name in tagged:
            return value if isinstance(value, list) else [value]
        if name in worded or not isinstance(value, str):
            return value
        return float(value) if "." in value else int(value)

    return {name: typed(name, value) for name, value in (attributes or {}).items()} or None

"""How to read a file of one's own: which column is what, and what its values mean."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from data.release import EVENT_KINDS, DatasetError
from data.rules import MAX_STARS, MIN_STARS, brief, flaw, shown

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FORMATS", "IGNORED", "LOG_ROLES", "MOVIE_ROLES", "Mapping", "Options"]

# Of a row of a log; of a movie's row of a catalogue.
LOG_ROLES = ("user", "movie", "rating", "liked", "timestamp", "kind", "value", "event_id")
MOVIE_ROLES = (
    "title", "year", "genres", "imdb_id", "tmdb_id",
    "withdrawn", "available_from", "available_until",
)  # fmt: skip
ROLES = LOG_ROLES + MOVIE_ROLES
FORMATS = ("csv", "jsonl", "parquet")
# In `Mapping.kinds`: rows of this kind are left out.
IGNORED = "ignored"
MAX_MAPPING_BYTES = 1 << 16
MAX_COLUMN_NAME_LENGTH = 1_000
# No delimiter: fields consist of these, or are put into them.
_NO_DELIMITER = re.compile(r"[\w\"'\s.+-]")
_TABS = ("tab", "\\t")
_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?"
_SKIP_BAD = re.compile(r"(?P<number>[0-9]{1,12}(?:\.[0-9]{1,6})?)(?P<percent>%?)")


class Options(TypedDict, total=False):
    """Parameters of `Mapping` as texts of the command line; None keeps what a mapping says.

    `columns` and `kinds` are pairs divided by commas (``"user=customer,movie=sku"``), `attributes`
    are names divided by commas, `scale` is ``"0:10"``, `delimiter` also ``"tab"``.
    """

    columns: str | None
    kinds: str | None
    scale: str | None
    like_from: float | None
    kind: str | None
    format: str | None
    delimiter: str | None
    latest_wins: bool | None
    skip_bad: str | None
    bad_rows: Path | None
    movies_only: bool | None
    attributes: str | None


@dataclass(frozen=True, slots=True)
class Mapping:
    """How to read a file of one's own.

    Parameters
    ----------
    columns : dict
        Name of the file's column by role, one of `ROLES`. Where it names any role of a log, all
        other columns of the log are ignored; where it is empty, columns go by their usual names.
    kinds : dict
        What the kinds of a file's own mean: one of `data.release.EVENT_KINDS`, or ``"ignored"``.
    kind : str, optional
        What every row is, for a file without such a column: its rows become events.
    format : str, optional
        One of `FORMATS`; default: by the suffix of the file's name, CSV on standard input.
    delimiter : str, optional
        Of a CSV, default ``","``.
    scale : tuple of float, optional
        The worst and the best rating of the file; default .5 and 5.
    like_from : float, optional
        The lowest rating of the file, on its own scale, that is a like.
    latest_wins : bool
        Whether of several ratings of a user and movie the latest is taken; else they are an error.
    skip_bad : str
        How many bad rows may be skipped, as a share (``"1%"``) or number (``"20"``).
    bad_rows : Path, optional
        Where the rows that were skipped are written; default ``<name>.bad.csv`` in the working
        folder.
    movies_only : bool
        Whether the file is a catalogue; else it is one if it has a column of titles and no users.
    attributes : tuple of str, optional
        The columns of a catalogue that are kept as attributes; default: all that have no role.

    Raises
    ------
    DatasetError
        A value that makes no sense; the message names it.
    """

    columns: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    kind: str | None = None
    format: str | None = None
    delimiter: str | None = None
    scale: tuple[float, float] | None = None
    like_from: float | None = None
    latest_wins: bool = False
    skip_bad: str = "0"
    bad_rows: Path | None = None
    movies_only: bool = False
    attributes: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_columns(self.columns)
        low, high = self.bounds
        if not low < high:
            raise DatasetError(f"the scale {low:g} to {high:g} must rise")
        if self.like_from is not None and not low < self.like_from <= high:
            raise DatasetError(
                f"like_from {self.like_from:g} must be within the scale, above {low:g} and at "
                f"most {high:g}"
            )
        found = _SKIP_BAD.fullmatch(self.skip_bad)
        if not found or (not found["percent"] and "." in self.skip_bad):
            raise DatasetError(
                f"skip_bad {shown(self.skip_bad)} is neither a number of rows nor a share as '1%'"
            )

    @property
    def bounds(self) -> tuple[float, float]:
        """The worst and the best rating of the file."""
        return self.scale or (MIN_STARS, MAX_STARS)

    def max_bad(self, n_rows: int) -> int:
        """Return how many of `n_rows` may be bad."""
        if self.skip_bad.endswith("%"):
            return int(min(float(self.skip_bad[:-1]), 100) / 100 * n_rows)
        return int(self.skip_bad)

    @classmethod
    def from_toml(cls, path: Path) -> Mapping:
        """Read the parameters from a TOML file, `columns` and `kinds` as tables.

        Raises
        ------
        DatasetError
            No such file, no TOML, an unknown key, or a wrong value; the message names the file.
        """
        try:
            with path.open("rb") as file:
                content = file.read(MAX_MAPPING_BYTES + 1)
            if len(content) > MAX_MAPPING_BYTES:
                raise DatasetError(f"{path} is longer than {MAX_MAPPING_BYTES} bytes")
            given = tomllib.loads(content.decode())
        except (OSError, ValueError, RecursionError) as error:
            if isinstance(error, DatasetError):
                raise
            raise DatasetError(f"{path} cannot be read as TOML: {brief(error)}") from error
        try:
            return cls(**{name: _typed(name, value) for name, value in given.items()})
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from error

    def with_options(self, **options: Unpack[Options]) -> Mapping:
        """Return a mapping with options of the command line in place of what it says itself.

        Raises
        ------
        DatasetError
            An option that is none of these; the message names it.
        """
        parsed: dict[str, Any] = {
            name: _PARSERS[name](value) if name in _PARSERS else value
            for name, value in options.items()
            if value is not None
        }
        for name in ("columns", "kinds"):  # added to those of the mapping
            if name in parsed:
                parsed[name] = getattr(self, name) | parsed[name]
        return replace(self, **parsed)


def _check_choices(mapping: Mapping) -> None:
    kinds = [mapping.kind] if mapping.kind is not None else []
    for kind in kinds:
        _one_of("kind", kind, EVENT_KINDS)
    for kind in mapping.kinds.values():
        _one_of("kind", kind, (*EVENT_KINDS, IGNORED))
    if mapping.format is not None:
        _one_of("format", mapping.format, FORMATS)
    if mapping.kind is not None and ("kind" in mapping.columns or mapping.kinds):
        raise DatasetError("either every row is of one kind, or a column says which")
    delimiter = mapping.delimiter
    if delimiter not in (None, "\t") and (
        not delimiter or len(delimiter) > 1 or _NO_DELIMITER.match(delimiter) or flaw(delimiter, 1)
    ):
        raise DatasetError(f"{shown(delimiter)} is no delimiter (a character as ',', ';' or tab)")


def _check_columns(columns: dict[str, str]) -> None:
    for role, name in columns.items():
        _one_of("role of a column", role, ROLES)
        if not name or len(name) > MAX_COLUMN_NAME_LENGTH:
            raise DatasetError(f"the column of the {role} needs a name")
    for name in columns.values():
        roles = [role for role, other in columns.items() if other == name]
        if len(roles) > 1:
            raise DatasetError(f"column {shown(name)} is both {' and '.join(roles)}")


def _one_of(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise DatasetError(f"{shown(value)} is no {what} ({', '.join(choices)})")


def _pairs(option: str, text: str) -> dict[str, str]:
    """Parse ``"a=b,c=d"``; names with commas need a TOML file."""
    pairs: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value):
            raise DatasetError(f"{option}: {shown(part)} is no pair as a=b")
        if name in pairs:
            raise DatasetError(f"{option}: {shown(name)} is there twice")
        pairs[name] = value
    return pairs


def _scale(text: str) -> tuple[float, float]:
    found = re.fullmatch(rf"({_NUMBER}):({_NUMBER})", text.strip())
    if not found:
        raise DatasetError(f"{shown(text)} is no scale as 0:10")
    return float(found[1]), float(found[2])


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _delimiter(text: str) -> str:
    return "\t" if text.lower() in _TABS else text


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "columns": partial(_pairs, "map"),
    "kinds": partial(_pairs, "kinds"),
    "scale": _scale,
    "delimiter": _delimiter,
    "attributes": _names,
}


def _typed(name: str, value: Any) -> Any:
    """Check the type of a value of a TOML file."""
    known = [known.name for known in fields(Mapping)]
    if name not in known:
        raise DatasetError(f"unknown key {shown(name)} (known: {', '.join(known)})")
    check, meaning = _TOML_TYPES[name]
    typed = check(value)
    if typed is None:
        raise DatasetError(f"{name} is {shown(value)}, not {meaning}")
    return typed


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _table(value: Any) -> dict[str, str] | None:
    good = isinstance(value, dict) and all(isinstance(inner, str) for inner in value.values())
    return value if good else None


def _texts(value: Any) -> tuple[str, ...] | None:
    good = isinstance(value, list) and all(isinstance(inner, str) for inner in value)
    return tuple(value) if good else None


def _two_numbers(value: Any) -> tuple[float, float] | None:
    numbers = [_number(inner) for inner in value] if isinstance(value, list) else []
    match numbers:
        case [float() as low, float() as high]:
            return low, high
    return None


def _rows_or_share(value: Any) -> str | None:
    return str(value) if isinstance(value, int | str) and not isinstance(value, bool) else None


_TOML_TYPES: dict[str, tuple[Any, str]] = {
    "columns": (_table, "a table of texts"),
    "kinds": (_table, "a table of texts"),
    "kind": (_text, "a text"),
    "format": (_text, "a text"),
    "delimiter": (lambda value: _delimiter(value) if isinstance(value, str) else None, "a text"),
    "scale": (_two_numbers, "two numbers as [0, 10]"),
    "like_from": (_number, "a number"),
    "latest_wins": (_boolean, "true or false"),
    "skip_bad": (_rows_or_share, "a number of rows or a share as '1%'"),
    "bad_rows": (lambda value: Path(value) if isinstance(value, str) and value else None, "a path"),
    "movies_only": (_boolean, "true or false"),
    "attributes": (_texts, "a list of texts"),
}

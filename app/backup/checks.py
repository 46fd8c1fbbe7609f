"""Checks of the rows of a back-up: what any version can have stored, and both databases can store.

A chunk of rows is checked column by column, which costs a fraction of inserting it.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    String,
    Table,
)
from sqlalchemy.types import TypeEngine

from app.auth.scopes import Scope
from app.db.tables import Document, UtcDateTime, metadata, movies
from app.feedback.schemas import KINDS
from app.jobs.schemas import RunState
from app.live.rules import RUNNING, STOPPED, ExperimentDefinition, ScenarioDefinition
from app.registry import repository as models
from app.registry.validation import is_listed
from data.documents import refuse_unstorable
from data.movie_keys import MAX_ID_BITS, movie_id, movie_key
from data.rules import (
    MAX_MOVIE_ID,
    MAX_STARS,
    MAX_TIME,
    MAX_TITLE_LENGTH,
    MAX_USER_KEY_LENGTH,
    MIN_STARS,
    attributes_flaw,
    cleaned,
    is_movie_key,
    is_user_key,
)

# Whether all these values, none of which is null, may be in a column; it may raise ValueError.
Check = Callable[[Sequence[Any]], bool]

MAX_INT32, MAX_INT64 = 2**31 - 1, 2**63 - 1
# Counted up by one with each change, or set to the clock in microseconds.
MAX_REVISION = 2**53
# The name of a folder.
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def first_wrong(
    table: Table, columns: Sequence[str], rows: Sequence[Any]
) -> tuple[int, str] | None:
    """Return the index of the first row that cannot be stored, and why; None if all can."""
    if set(map(type, rows)) != {list} or set(map(len, rows)) != {len(columns)}:
        index = next(
            i for i, row in enumerate(rows) if type(row) is not list or len(row) != len(columns)
        )
        return index, f"an array of {len(columns)} values is missing"
    bad = [
        (next(i for i, value in enumerate(values) if not _fit(table, name, [value])), name)
        for name, values in zip(columns, zip(*rows, strict=True), strict=True)
        if not _fit(table, name, values)
    ]
    if bad:
        index, name = min(bad)
        return index, f"{name} has a value that it cannot have"
    return _wrong_key(columns, rows) if table.name == movies.name else None


def _wrong_key(columns: Sequence[str], rows: Sequence[Any]) -> tuple[int, str] | None:
    """Return the first movie that nobody could find: its id is not that of its key."""
    id_, key = columns.index("id"), columns.index("key") if "key" in columns else None
    for index, row in enumerate(rows):
        text = None if key is None else row[key]
        if row[id_] < 1 if text is None else row[id_] != movie_id(text):
            return index, "id is not that of its key"
    return None


def clean_movie(row: list[Any], title: int, genres: int) -> bool:
    """Replace what no text holds by U+FFFD, and tell whether there was any.

    Versions before have imported such titles; PostgreSQL cannot store all of them.
    """
    before = row[title], row[genres]
    if isinstance(row[title], str):
        row[title] = cleaned(row[title])
    if isinstance(row[genres], list):
        row[genres] = [cleaned(g) if isinstance(g, str) else g for g in row[genres]]
    return before != (row[title], row[genres])


def _fit(table: Table, name: str, values: Sequence[Any]) -> bool:
    if None in values:
        if not table.c[name].nullable:
            return False
        values = [value for value in values if value is not None]
    try:
        return not values or _check(table, name)(values)
    except ValueError:
        return False


def _check(table: Table, name: str) -> Check:
    special = SPECIAL.get((table.name, name)) or SPECIAL.get(("", name))
    if special is not None:
        return special
    known = metadata.tables[table.name].c
    return _of_type(known[name].type if name in known else table.c[name].type)


def _of_type(kind: TypeEngine[Any]) -> Check:  # noqa: PLR0911 (one per type)
    if isinstance(kind, UtcDateTime | DateTime):
        return _integers(0, MAX_TIME)
    if isinstance(kind, Document | JSON):
        return _documents
    if isinstance(kind, Boolean):
        return lambda values: set(map(type, values)) == {bool}
    if isinstance(kind, BigInteger):
        return _integers(-MAX_INT64 - 1, MAX_INT64)
    if isinstance(kind, Integer):
        return _integers(-MAX_INT32 - 1, MAX_INT32)
    if isinstance(kind, Double):
        return _numbers(-MAX_INT64, MAX_INT64)
    if isinstance(kind, LargeBinary):
        return _encoded
    return _texts(kind.length if isinstance(kind, String) else None)


def _integers(low: int, high: int) -> Check:
    def check(values: Sequence[Any]) -> bool:
        return set(map(type, values)) == {int} and low <= min(values) and max(values) <= high

    return check


def _numbers(low: float, high: float) -> Check:
    def check(values: Sequence[Any]) -> bool:
        # NaN, which is neither smallest nor largest, is in no range.
        return set(map(type, values)) <= {int, float} and all(low <= v <= high for v in set(values))

    return check


def _texts(max_length: int | None) -> Check:
    def check(values: Sequence[Any]) -> bool:
        return set(map(type, values)) == {str} and not any(
            UNSTORABLE.search(text) or (max_length is not None and len(text) > max_length)
            for text in values
        )

    return check


def _matching(pattern: re.Pattern[str], max_length: int) -> Check:
    def check(values: Sequence[Any]) -> bool:
        return set(map(type, values)) == {str} and all(
            len(text) <= max_length and pattern.fullmatch(text) for text in values
        )

    return check


def _passing(test: Callable[[str], bool]) -> Check:
    def check(values: Sequence[Any]) -> bool:
        return set(map(type, values)) == {str} and all(map(test, values))

    return check


def _is_stored_user(key: str) -> bool:
    # Versions before have imported users whose keys are dots alone.
    return is_user_key(key) or (0 < len(key) <= MAX_USER_KEY_LENGTH and not key.strip("."))


def _is_stored_movie(key: str) -> bool:
    return is_movie_key(key) and movie_key(key) == key


def _one_of(*allowed: str) -> Check:
    def check(values: Sequence[Any]) -> bool:
        return set(map(type, values)) == {str} and set(values) <= set(allowed)

    return check


def _lists(check_items: Check) -> Check:
    def check(values: Sequence[Any]) -> bool:
        return set(map(type, values)) == {list} and all(
            not items or check_items(items) for items in values
        )

    return check


def _documents(values: Sequence[Any]) -> bool:
    refuse_unstorable(list(values))
    return set(map(type, values)) == {dict}


def _attributes(values: Sequence[Any]) -> bool:
    return _documents(values) and not any(map(attributes_flaw, values))


def _cards(values: Sequence[Any]) -> bool:
    return _documents(values) and all(is_listed(card) for card in values)


def _encoded(values: Sequence[Any]) -> bool:
    for text in values:
        if type(text) is not str:
            return False
        b64decode(text, validate=True)
    return True


def _movie_ids(values: Sequence[Any]) -> bool:
    return _integers(-(2**MAX_ID_BITS), MAX_MOVIE_ID)(values) and 0 not in values


def _definitions(kind: type[BaseModel]) -> Check:
    def check(values: Sequence[Any]) -> bool:
        # As a worker reads them; it raises ValueError.
        return _documents(values) and all(map(kind.model_validate, values))

    return check


_VERSION = _matching(VERSION, 40)
_RULE_NAME = _matching(re.compile("[a-z0-9][a-z0-9_-]*"), 64)

# Checks of a column, by table and name, or of all columns of a name.
SPECIAL: dict[tuple[str, str], Check] = {
    ("", "ratings_revision"): _integers(0, MAX_REVISION),
    ("", "movies_revision"): _integers(0, MAX_REVISION),
    ("", "rules_revision"): _integers(0, MAX_REVISION),
    ("", "version"): _VERSION,
    ("", "previous"): _VERSION,
    ("users", "id"): _integers(1, MAX_INT64),
    ("users", "key"): _passing(_is_stored_user),
    ("movies", "id"): _movie_ids,
    ("movies", "key"): _passing(_is_stored_movie),
    ("movies", "attributes"): _attributes,
    ("movies", "title"): _matching(re.compile(r".+", re.DOTALL), MAX_TITLE_LENGTH),
    ("movies", "year"): _integers(0, 9999),
    ("movies", "genres"): _lists(_texts(MAX_TITLE_LENGTH)),
    ("movies", "imdb_id"): _integers(0, MAX_INT32),
    ("movies", "tmdb_id"): _integers(0, MAX_INT32),
    ("", "movie_id"): _movie_ids,
    ("ratings", "stars"): _numbers(MIN_STARS, MAX_STARS),
    ("erasures", "key_hmac"): _matching(re.compile("[0-9a-f]{64}"), 64),
    ("answered_requests", "status"): _integers(200, 599),
    ("api_keys", "scopes"): _lists(_one_of(*Scope)),
    ("model_versions", "card"): _cards,
    ("model_versions", "state"): _one_of(models.PUBLISHED, models.REFUSED),
    ("training_runs", "state"): _one_of(*RunState),
    ("scenario_versions", "name"): _RULE_NAME,
    ("scenario_versions", "version"): _integers(1, MAX_INT32),
    ("scenario_versions", "definition"): _definitions(ScenarioDefinition),
    ("experiments", "name"): _RULE_NAME,
    ("experiments", "state"): _one_of(RUNNING, STOPPED),
    ("experiments", "definition"): _definitions(ExperimentDefinition),
    ("feedback", "kind"): _one_of(*KINDS),
    ("feedback", "model"): _VERSION,
}

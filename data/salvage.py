"""Blocks of rows, and what can be read of a block of CSV with malformed rows."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from data.columns import ARROW_TYPES, VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "LONE_RETURN",
    "MAX_ROW_BYTES",
    "Block",
    "batch_of",
    "csv_fault",
    "numbered",
    "records_of",
    "salvaged",
]

# Of a row, which may have several lines in CSV; the longest valid one has some 2,000 characters.
MAX_ROW_BYTES = 1 << 16
LONE_RETURN = "a carriage return that ends no line"
_HALF_PAIRS = "\udc80", "\udcff"  # of bytes that are no UTF-8


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of a file.

    Parameters
    ----------
    batch : RecordBatch
        Their fields, one column per role.
    broken : dict
        Why a row is malformed, by its place in the batch; all its fields are missing.
    located : callable
        Returns the number and the text of each row.
    """

    batch: pa.RecordBatch
    broken: dict[int, str]
    located: Callable[[], list[tuple[int, str]]]


class Row(NamedTuple):
    """A row: number, text, fields, and why it is malformed, if it is."""

    number: int
    text: str
    fields: list[str] | None
    reason: str


def batch_of(columns: Mapping[str, Sequence[str | None]]) -> pa.RecordBatch:
    """Return texts by role as a batch like those of CSV."""
    arrays = [
        pa.array(values, pa.string()).dictionary_encode()
        if ARROW_TYPES[role] == VOCABULARY
        else pa.array(values, pa.string())
        for role, values in columns.items()
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def salvaged(content: bytes, first_line: int, delimiter: str, roles: list[str | None]) -> Block:
    """Return the rows of a block of CSV, those that are malformed without values.

    Parameters
    ----------
    content : bytes
    first_line : int
        Number of its first line in the file.
    delimiter : str
    roles : list
        Role of every column; a column with None is left out.
    """
    rows = list(records_of(content, first_line, delimiter, roles))
    empty = [None] * len(roles)
    columns = {
        role: [(row.fields or empty)[place] for row in rows]
        for place, role in enumerate(roles)
        if role
    }
    return Block(
        batch_of(columns),
        {place: row.reason for place, row in enumerate(rows) if row.reason},
        lambda: [(row.number, row.text) for row in rows],
    )


def numbered(
    content: bytes, first_line: int, delimiter: str, roles: list[str | None], *, is_quoted: bool
) -> list[tuple[int, str]]:
    """Return the number and the text of each row of a block, as `salvaged` counts them."""
    if is_quoted and b'"' in content:
        return [(row.number, row.text) for row in records_of(content, first_line, delimiter, roles)]
    lines = content.decode(errors="replace").split("\n")
    return [(first_line + at, line) for at, line in enumerate(lines) if line.strip("\r")]


def records_of(
    content: bytes, first_line: int, delimiter: str, roles: list[str | None]
) -> Iterator[Row]:
    """Yield each row; of a malformed one of several lines, each line is a row."""
    lines = content.decode(errors="surrogateescape").split("\n")
    at = 0
    while at < len(lines):
        fields, end, reason = _row(lines, at, delimiter)
        reason = reason or (_flaw(fields, roles) if fields else "")
        texts = lines[at:end] if reason else ["\n".join(lines[at:end])]
        for offset, text in enumerate(texts):
            if text.strip("\r"):
                yield Row(first_line + at + offset, text, None if reason else fields, reason)
        at = end


def _row(lines: list[str], at: int, delimiter: str) -> tuple[list[str], int, str]:
    """Return the fields of the row that begins with a line, the line after it, and its fault."""
    end = at

    def following() -> Iterator[str]:
        nonlocal end
        size = 0
        while end < len(lines) and size <= MAX_ROW_BYTES:
            size += len(lines[end]) + 1
            end += 1
            yield lines[end - 1] + "\n"

    try:
        fields = next(csv.reader(following(), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        return [], end, csv_fault(error)
    return fields, end, ""


def csv_fault(error: csv.Error) -> str:
    """Return what is wrong with a row that `csv` refuses."""
    text = str(error)
    # It goes on with advice to programmers.
    return LONE_RETURN if text.startswith("new-line character seen") else text


def _flaw(fields: list[str], roles: list[str | None]) -> str:
    if len(fields) != len(roles):
        return f"{len(fields)} fields instead of {len(roles)}"
    low, high = _HALF_PAIRS
    for field, role in zip(fields, roles, strict=True):
        if role and not field.isascii() and any(low <= letter <= high for letter in field):
            return f"the bytes of the {role} are not UTF-8 text"
    return ""

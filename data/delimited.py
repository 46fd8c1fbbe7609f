"""Readers of delimited text: in Arrow blocks for speed, row by row for line numbers.

Ratings are read in blocks. Rows are for small files, and to find the line of an error in a block.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from data.release import DatasetError
from data.rules import brief, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from data.source import ByteStream, DataFile

__all__ = [
    "CSV",
    "DAT",
    "LATIN_1",
    "PIPES",
    "TABS",
    "Layout",
    "blocks",
    "column_roles",
    "line_of_row",
    "rows",
]

# Large enough to make the overhead per block negligible, small enough for any memory.
BLOCK_BYTES = 8 << 20
# Of a row, which may have several lines in CSV; the longest valid one has some 2,000 characters.
MAX_ROW_BYTES = 1 << 16
# Replaces "::" for Arrow, which takes one character; no rating contains this one.
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Layout:
    """Format of a text file.

    Parameters
    ----------
    delimiter : str
        Separator of the fields.
    has_header : bool
        Whether the first line names the columns.
    encoding : str
        ``"utf-8-sig"`` (UTF-8, a byte order mark is skipped) or ``"latin-1"``.
    """

    delimiter: str
    has_header: bool = False
    encoding: str = "utf-8-sig"

    @property
    def is_quoted(self) -> bool:
        """Whether a field may be in double quotes, as in CSV."""
        return self.delimiter == ","


LATIN_1 = "latin-1"
CSV = Layout(",", has_header=True)
DAT = Layout("::")
TABS = Layout("\t", encoding=LATIN_1)
PIPES = Layout("|", encoding=LATIN_1)


def rows(stream: ByteStream, label: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank, the header too, with the number of its first line.

    Raises
    ------
    DatasetError
        Undecodable bytes, an unreasonably long row or malformed quoting.
    """
    lines = _Lines(stream, label, layout.encoding)
    if not layout.is_quoted:
        for line in lines:
            text = line.rstrip("\r\n")
            if text:
                yield lines.number, text.split(layout.delimiter)
            lines.end_row()
        return
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            if row:
                yield lines.first, row
            lines.end_row()
    except csv.Error as error:
        raise DatasetError(f"{label}, line {lines.first}: {error}") from error


class _Lines:
    """The decoded lines of a stream; `first` is the number of the first one of the row."""

    def __init__(self, stream: ByteStream, label: str, encoding: str) -> None:
        self.number = 0
        self.first = 1
        self._stream = stream
        self._label = label
        self._encoding = encoding
        self._row_bytes = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._stream.readline(MAX_ROW_BYTES + 1):
            self.number += 1
            self._row_bytes += len(line)
            if self._row_bytes > MAX_ROW_BYTES:
                raise DatasetError(
                    f"{self._label}, line {self.first}: longer than {MAX_ROW_BYTES} bytes"
                )
            yield self._decoded(line)

    def end_row(self) -> None:
        """Begin the next row with the next line."""
        self.first = self.number + 1
        self._row_bytes = 0

    def _decoded(self, line: bytes) -> str:
        encoding = self._encoding if self.number == 1 else self._encoding.removesuffix("-sig")
        try:
            return line.decode(encoding)
        except UnicodeDecodeError as error:
            bad = line[error.start : error.end]
            raise DatasetError(
                f"{self._label}, line {self.number}: "
                f"the bytes {bad!r} are not {error.encoding.upper()} text"
            ) from error


def column_roles(
    names: list[str],
    where: str,
    aliases: Mapping[str, tuple[str, ...]],
    *,
    optional: tuple[str, ...] = (),
) -> list[str]:
    """Return the role of each column of a header.

    Parameters
    ----------
    names : list of str
        The names in the file, in its order.
    where : str
        Beginning of error messages.
    aliases : mapping
        The names of each role, in lower case without spaces, hyphens and underscores, which are
        ignored: ``userid`` stands for ``userId`` and ``User_ID``.
    optional : tuple of str
        Roles that may be missing.

    Raises
    ------
    DatasetError
        An unknown name, two columns of one role, or a required role without one.
    """
    role_of = {alias: role for role, alternatives in aliases.items() for alias in alternatives}
    roles: list[str] = []
    for name in names:
        role = role_of.get(re.sub(r"[\s_-]", "", name).lower())
        if role is None:
            known = ", ".join(names[0] for names in aliases.values())
            raise DatasetError(f"{where}: unknown column {shown(name)} (known: {known})")
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


def line_of_row(file: DataFile, layout: Layout, row: int) -> int:
    """Return the number of the line where row `row` (from 0, header not counted) begins."""
    with file.open() as stream:
        for index, (number, _) in enumerate(rows(stream, file.label, layout)):
            if index == row + layout.has_header:
                return number
    raise IndexError(row)


def blocks(
    stream: ByteStream, file: DataFile, layout: Layout, columns: dict[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `stream` in Arrow record batches, in order.

    Arrow parses lines that are in its own memory. Where it reads the stream itself, a thread of it
    calls Python, and a process that ends before that thread does aborts, or hangs.

    Parameters
    ----------
    stream : ByteStream
        The bytes of `file`.
    file : DataFile
        Read again to find the line of a malformed row.
    layout : Layout
        Its format.
    columns : dict
        Name and Arrow type of every column, in the order of the file.

    Raises
    ------
    DatasetError
        A row with more or fewer fields than `columns`, or what `rows` refuses.
    """
    try:
        for block in _whole_lines(stream, has_header=layout.has_header):
            yield from _parsed(block, layout, columns)
    except pa.ArrowInvalid as error:
        _explain(file, layout, len(columns))
        raise DatasetError(f"{file.label}: {brief(error)}") from error


def _whole_lines(stream: ByteStream, *, has_header: bool) -> Iterator[bytes]:
    """Yield the stream in blocks of whole lines, without the header."""
    rest = b""
    while fresh := stream.read(BLOCK_BYTES):
        block = rest + fresh
        begin, end = 0, block.rfind(b"\n") + 1
        if has_header and end:
            begin, has_header = block.index(b"\n") + 1, False
        block, rest = block[begin:end], block[end:]
        if len(rest) > MAX_ROW_BYTES:
            raise pa.ArrowInvalid(f"a line is longer than {MAX_ROW_BYTES} bytes")
        if block:
            yield block
    if rest and not has_header:
        yield rest


def _parsed(block: bytes, layout: Layout, columns: dict[str, pa.DataType]) -> list[pa.RecordBatch]:
    separator = layout.delimiter
    if layout.encoding == LATIN_1:
        block = block.decode(LATIN_1).encode()
    if len(separator) > 1:
        if _SEPARATOR.encode() in block:
            raise pa.ArrowInvalid(f"a line holds the character {_SEPARATOR!r}")
        block, separator = block.replace(separator.encode(), _SEPARATOR.encode()), _SEPARATOR
    return pa_csv.read_csv(
        cast("IO[bytes]", pa.BufferReader(_memory_of_arrow(block))),
        pa_csv.ReadOptions(column_names=list(columns), block_size=len(block) + 1),
        pa_csv.ParseOptions(delimiter=separator, quote_char='"' if layout.is_quoted else False),
        pa_csv.ConvertOptions(column_types=columns),
    ).to_batches()


def _memory_of_arrow(block: bytes) -> pa.Buffer:
    """Copy bytes: a thread that lets go of those of Python needs Python, see `blocks`."""
    copy = pa.BufferOutputStream()
    copy.write(block)
    return copy.getvalue()


def _explain(file: DataFile, layout: Layout, n_columns: int) -> None:
    """Raise the error of the first malformed row, naming its line."""
    with file.open() as stream:
        for number, row in rows(stream, file.label, layout):
            where = f"{file.label}, line {number}"
            if len(row) != n_columns:
                raise DatasetError(f"{where}: {len(row)} fields instead of {n_columns}")
            broken = next((value for value in row if "\n" in value or "\r" in value), None)
            if broken is not None:
                raise DatasetError(f"{where}: {shown(broken)} has a line break")

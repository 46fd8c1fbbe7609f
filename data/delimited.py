"""Readers of delimited text: in Arrow blocks for speed, row by row for line numbers.

For both a line ends with a line feed, and carriage returns may precede it; elsewhere they are
allowed between quotes only.

Ratings are read in blocks. Rows are for small files, and to find the line of an error in a block.
"""

from __future__ import annotations

import codecs
import csv
import re
from dataclasses import dataclass
from functools import cache, partial
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from data.columns import ARROW_TYPES
from data.release import DatasetError
from data.rules import brief, shown
from data.salvage import LONE_RETURN, MAX_ROW_BYTES, Block, csv_fault, numbered, salvaged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.source import ByteStream, DataFile

__all__ = [
    "CSV",
    "DAT",
    "LATIN_1",
    "PIPES",
    "TABS",
    "Layout",
    "blocks",
    "header_of",
    "line_of_row",
    "rows",
    "whole_lines",
]

# Large enough to make the overhead per block negligible, small enough for any memory.
BLOCK_BYTES = 8 << 20
# Replaces "::" for Arrow, which takes one character; no rating contains this one.
_SEPARATOR = "\x1f"
# Where Arrow would end a line, and `rows` would not.
_LONE_RETURN = re.compile(rb"\r(?![\r\n]|\Z)")


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
    is_quoted : bool
        Whether a field may be in double quotes, and then hold the delimiter and line breaks.
    """

    delimiter: str
    has_header: bool = False
    encoding: str = "utf-8-sig"
    is_quoted: bool = False


LATIN_1 = "latin-1"
CSV = Layout(",", has_header=True, is_quoted=True)
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
            if "\r" in text:
                raise DatasetError(f"{label}, line {lines.number}: {LONE_RETURN}: {shown(text)}")
            if text:
                yield lines.number, text.split(layout.delimiter)
            lines.end_row()
        return
    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    try:
        for row in reader:
            if row:
                yield lines.first, row
            lines.end_row()
    except csv.Error as error:
        raise DatasetError(f"{label}, line {lines.first}: {csv_fault(error)}") from error


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


def line_of_row(file: DataFile, layout: Layout, roles: list[str | None], row: int) -> int:
    """Return the number of the line where row `row` (from 0, header not counted) begins."""
    first_line = 1 + layout.has_header
    with file.open() as stream:
        for content in _whole_lines(stream, layout):
            lines = _numbered(content, first_line, layout, roles)
            if row < len(lines):
                return lines[row][0]
            row -= len(lines)
            first_line += content.count(b"\n")
    raise IndexError(row)


def header_of(file: DataFile, layout: Layout) -> list[str]:
    """Return the names of the columns, from the first line.

    Raises
    ------
    DatasetError
        There is no such line.
    """
    with file.open() as stream:
        number, header = next(rows(stream, file.label, layout), (0, []))
    if number != 1:
        raise DatasetError(f"{file.label}, line 1: no header with the names of the columns")
    return header


def whole_lines(stream: ByteStream, file: DataFile, layout: Layout) -> Iterator[bytes]:
    """Yield the stream in blocks of whole rows, without the header.

    Raises
    ------
    DatasetError
        A line that is unreasonably long.
    """
    try:
        yield from _whole_lines(stream, layout)
    except pa.ArrowInvalid as error:
        raise DatasetError(f"{file.label}: {brief(error)}") from error


def blocks(
    stream: ByteStream,
    file: DataFile,
    layout: Layout,
    roles: list[str | None],
    *,
    keep_broken: bool = False,
) -> Iterator[Block]:
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
    roles : list
        Role of every column, in the order of the file; a column with None is left out.
    keep_broken : bool
        Whether a malformed row is given as a row without values; else it is an error.

    Raises
    ------
    DatasetError
        A row with more or fewer fields than `roles`, or what `rows` refuses.
    """
    first_line = 1 + layout.has_header
    try:
        for content in _whole_lines(stream, layout):
            try:
                for batch in _parsed(content, layout, roles):
                    located = partial(_numbered, content, first_line, layout, roles)
                    yield Block(batch, {}, located)
            except pa.ArrowInvalid:
                if not keep_broken:
                    raise
                yield salvaged(content, first_line, layout.delimiter, roles)
            if keep_broken:
                first_line += content.count(b"\n")
    except pa.ArrowInvalid as error:
        _explain(file, layout, len(roles))
        raise DatasetError(f"{file.label}: {brief(error)}") from error


def _whole_lines(stream: ByteStream, layout: Layout) -> Iterator[bytes]:
    """Yield the stream in blocks of whole rows, without the header and a byte order mark."""
    rest, has_header, may_be_marked = b"", layout.has_header, layout.encoding.endswith("-sig")
    while fresh := stream.read(BLOCK_BYTES):
        block = rest + fresh
        if may_be_marked:
            block, may_be_marked = block.removeprefix(codecs.BOM_UTF8), False
        begin, end = 0, _end_of_rows(block, layout)
        if has_header and end:
            begin, has_header = block.index(b"\n") + 1, False
        block, rest = block[begin:end], block[end:]
        if len(rest) > MAX_ROW_BYTES:
            raise pa.ArrowInvalid(f"a line is longer than {MAX_ROW_BYTES} bytes")
        if block:
            yield block
    if rest and not has_header:
        yield rest


def _numbered(
    content: bytes, first_line: int, layout: Layout, roles: list[str | None]
) -> list[tuple[int, str]]:
    return numbered(content, first_line, layout.delimiter, roles, is_quoted=layout.is_quoted)


def _end_of_rows(block: bytes, layout: Layout) -> int:
    """Return the end of the last whole row; a row has an even number of quotes."""
    end = last = block.rfind(b"\n") + 1
    if not layout.is_quoted or b'"' not in block:
        return end
    n_quotes = block.count(b'"', 0, end)
    while n_quotes % 2 and last - end < MAX_ROW_BYTES:
        before = block.rfind(b"\n", 0, end - 1) + 1
        if before == 0:
            return last
        n_quotes -= block.count(b'"', before, end)
        end = before
    return last if n_quotes % 2 or len(block) - end > MAX_ROW_BYTES else end


def _parsed(block: bytes, layout: Layout, roles: list[str | None]) -> list[pa.RecordBatch]:
    separator = layout.delimiter
    if layout.encoding == LATIN_1:
        block = block.decode(LATIN_1).encode()
    if len(separator) > 1:
        if _SEPARATOR.encode() in block:
            raise pa.ArrowInvalid(f"a line holds the character {_SEPARATOR!r}")
        block, separator = block.replace(separator.encode(), _SEPARATOR.encode()), _SEPARATOR
    bare = block
    if layout.is_quoted and b'"' in block:
        quoted, opening = _quoting(separator)
        bare = quoted.sub(b"", block)
        if opening.search(bare):
            # Arrow would go on within the field, maybe over many rows.
            raise pa.ArrowInvalid("a quote is not closed, or something follows it")
    if bare.count(b"\r") != bare.count(b"\r\n") and _LONE_RETURN.search(bare):
        raise pa.ArrowInvalid(LONE_RETURN)
    names = [role or f"column {place}" for place, role in enumerate(roles)]
    memory = _memory_of_arrow(block)
    return (
        pa_csv.read_csv(
            cast("IO[bytes]", pa.BufferReader(memory)),
            pa_csv.ReadOptions(column_names=names, block_size=memory.size + 1),
            pa_csv.ParseOptions(
                delimiter=separator,
                quote_char='"' if layout.is_quoted else False,
                newlines_in_values=layout.is_quoted,
            ),
            pa_csv.ConvertOptions(
                column_types={role: ARROW_TYPES[role] for role in roles if role},
                include_columns=[role for role in roles if role],
            ),
        )
        .combine_chunks()
        .to_batches()
    )


@cache
def _quoting(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """Return the patterns of a whole quoted field and of the quote that opens one."""
    edge = re.escape(delimiter).encode()
    opening = rb"(?:\A|(?<=[\n" + edge + rb']))"'
    whole = opening + rb'(?:[^"]++|"")*+"(?=[\r\n' + edge + rb"]|\Z)"
    return re.compile(whole), re.compile(opening)


def _memory_of_arrow(block: bytes) -> pa.Buffer:
    """Copy bytes: a thread that lets go of those of Python needs Python, see `blocks`.

    Arrow skips a byte order mark before each block, which is one at the start of a file only.
    """
    copy = pa.BufferOutputStream()
    copy.write(codecs.BOM_UTF8)
    copy.write(block)
    return copy.getvalue()


def _explain(file: DataFile, layout: Layout, n_columns: int) -> None:
    """Raise the error of the first malformed row, naming its line."""
    with file.open() as stream:
        for number, row in rows(stream, file.label, layout):
            if len(row) != n_columns:
                raise DatasetError(
                    f"{file.label}, line {number}: {len(row)} fields instead of {n_columns}"
                )

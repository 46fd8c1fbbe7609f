"""Readers of delimited text: in Arrow blocks for speed, row by row for line numbers.

Ratings are read in blocks. Rows are for small files, and to find the line of an error in a block.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.csv as pa_csv

from data.release import DatasetError

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
MAX_LINE_BYTES = 1 << 20
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
        Undecodable bytes, an unreasonably long line or malformed quoting.
    """
    lines = _decoded_lines(stream, label, layout.encoding)
    if not layout.is_quoted:
        for number, line in enumerate(lines, start=1):
            text = line.rstrip("\r\n")
            if text:
                yield number, text.split(layout.delimiter)
        return
    reader = csv.reader(lines, strict=True)
    number = 1
    try:
        for row in reader:
            if row:
                yield number, row
            number = reader.line_num + 1
    except csv.Error as error:
        raise DatasetError(f"{label}, line {number}: {error}") from error


def _decoded_lines(stream: ByteStream, label: str, encoding: str) -> Iterator[str]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise DatasetError(f"{label}, line {number}: longer than {MAX_LINE_BYTES} bytes")
        try:
            yield line.decode(encoding if number == 1 else encoding.removesuffix("-sig"))
        except UnicodeDecodeError as error:
            bad = line[error.start : error.end]
            raise DatasetError(
                f"{label}, line {number}: the bytes {bad!r} are not {error.encoding.upper()} text"
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
            raise DatasetError(f"{where}: unknown column {name!r} (known: {known})")
        if role in roles:
            raise DatasetError(f"{where}: {name!r} is a second {aliases[role][0]} column")
        roles.append(role)
    for role, alternatives in aliases.items():
        if role not in roles and role not in optional:
            raise DatasetError(
                f"{where}: no {alternatives[0]} column ({' or '.join(alternatives)}) among "
                f"{', '.join(names)}"
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
    source: ByteStream = stream
    delimiter = layout.delimiter
    if len(delimiter) > 1:
        source = _Substituting(stream, delimiter.encode(), _SEPARATOR.encode())
        delimiter = _SEPARATOR
    try:
        yield from pa_csv.open_csv(
            cast("IO[bytes]", source),
            pa_csv.ReadOptions(
                block_size=BLOCK_BYTES,
                column_names=list(columns),
                skip_rows=int(layout.has_header),
                encoding="utf8" if layout.encoding == "utf-8-sig" else layout.encoding,
            ),
            pa_csv.ParseOptions(delimiter=delimiter, quote_char='"' if layout.is_quoted else False),
            pa_csv.ConvertOptions(column_types=columns, include_columns=list(columns)),
        )
    except pa.ArrowInvalid as error:
        _explain(file, layout, len(columns))
        raise DatasetError(f"{file.label}: {error}") from error


def _explain(file: DataFile, layout: Layout, n_columns: int) -> None:
    """Raise the error of the first malformed row, naming its line."""
    with file.open() as stream:
        for number, row in rows(stream, file.label, layout):
            if len(row) != n_columns:
                raise DatasetError(
                    f"{file.label}, line {number}: {len(row)} fields instead of {n_columns}"
                )


class _Substituting(io.RawIOBase):
    """A stream with a sequence of bytes replaced by a shorter one, even across two reads."""

    def __init__(self, stream: ByteStream, old: bytes, new: bytes) -> None:
        self._stream = stream
        self._old = old
        self._new = new
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while True:
            # At most `size` in all: Arrow has reserved no more.
            fresh = self._stream.read(size - len(self._rest) if size > 0 else size)
            block = (self._rest + fresh).replace(self._old, self._new)
            # What may be the start of the sequence is left for the next read.
            n_kept = len(self._old) - 1 if fresh and block.endswith(self._old[:1]) else 0
            self._rest = block[len(block) - n_kept :]
            block = block[: len(block) - n_kept]
            if block or not fresh:
                return block

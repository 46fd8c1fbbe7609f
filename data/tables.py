"""A file of rows with named columns, and CSV as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from data.delimited import CSV, blocks, header_of, line_of_row, whole_lines
from data.progress import Progress, ignore_progress
from data.salvage import Block, records_of
from data.source import DataFile, MeteredStream

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CsvTable", "Record", "Roles", "Table", "TextTable"]

Roles = dict[str, str]
"""The column of each role; other columns are left out."""


class Record(NamedTuple):
    """A row: its number, its fields by column, its text, and why it is malformed, if it is."""

    number: int
    fields: dict[str, Any]
    text: str
    fault: str


class Table(Protocol):
    """A file of rows with named columns."""

    file: DataFile
    names: list[str]
    unit: str
    """What counts its rows, ``"line"`` or ``"row"``."""
    is_text: bool
    """Whether all values are texts, as in CSV."""
    more_may_follow: bool
    """Whether rows may have other columns than the first ones, which `names` lists."""

    def blocks(
        self, roles: Roles, *, is_mapped: bool, keep_broken: bool, progress: Progress
    ) -> Iterator[Block]:
        """Yield the rows in blocks; the columns that no role has are not read."""
        ...

    def records(self) -> Iterator[Record]:
        """Yield the rows with all their columns."""
        ...

    def number_of_row(self, roles: Roles, row: int) -> int:
        """Return the number of a row (from 0) as messages give it."""
        ...

    def sha256(self) -> str:
        """Return the checksum of the file, which has been read to its end."""
        ...


class TextTable:
    """What the formats of text have in common."""

    unit = "line"
    is_text = True
    more_may_follow = False

    def __init__(self, file: DataFile) -> None:
        self.file = file
        self._sha256 = ""

    def sha256(self) -> str:
        """Return the checksum of the file, which has been read to its end."""
        return self._sha256

    def _metered(self, stream: Any, progress: Progress) -> MeteredStream:
        total = None if self.file.is_packed else self.file.size
        return MeteredStream(stream, lambda done: progress("read", done, total))


class CsvTable(TextTable):
    """A CSV file with a header."""

    def __init__(self, file: DataFile, delimiter: str) -> None:
        super().__init__(file)
        self._layout = replace(CSV, delimiter=delimiter)
        self.names = header_of(file, self._layout)

    def blocks(
        self, roles: Roles, *, is_mapped: bool, keep_broken: bool, progress: Progress
    ) -> Iterator[Block]:
        """Yield the rows in blocks; the columns that no role has are not read."""
        del is_mapped  # unknown columns were refused by the header
        with self.file.open() as raw:
            stream = self._metered(raw, progress)
            places = self._places(roles)
            yield from blocks(stream, self.file, self._layout, places, keep_broken=keep_broken)
            self._sha256 = stream.sha256()

    def records(self) -> Iterator[Record]:
        """Yield the rows with all their columns."""
        places: list[str | None] = [*self.names]
        first_line = 2
        with self.file.open() as raw:
            stream = self._metered(raw, ignore_progress)
            for content in whole_lines(stream, self.file, self._layout):
                for row in records_of(content, first_line, self._layout.delimiter, places):
                    values = dict(zip(self.names, row.fields or (), strict=False))
                    yield Record(row.number, values, row.text, row.reason)
                first_line += content.count(b"\n")
            self._sha256 = stream.sha256()

    def number_of_row(self, roles: Roles, row: int) -> int:
        """Return the number of a row (from 0) as messages give it."""
        return line_of_row(self.file, self._layout, self._places(roles), row)

    def _places(self, roles: Roles) -> list[str | None]:
        """Return the role of each column in the order of the file."""
        role_of = {name: role for role, name in roles.items()}
        return [role_of.get(name) for name in self.names]

"""Parquet as a table."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.columns import ARROW_TYPES, VOCABULARY
from data.release import DatasetError
from data.rules import brief, shown
from data.salvage import Block
from data.source import DataFile, MeteredStream, max_unpacked
from data.tables import Record, Roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.progress import Progress

__all__ = ["ParquetTable"]

PARQUET_BATCH_ROWS = 1 << 18
RECORD_BATCH_ROWS = 1 << 12
# Of a rating in memory: user, movie, stars and time.
RATING_BYTES = 20
# pandas writes an index that is more than a row number as a column of its own.
_PANDAS_INDEX = "__index_level_"


class ParquetTable:
    """A Parquet file; it lies in a folder, not in a zip."""

    unit = "row"
    is_text = False
    more_may_follow = False

    def __init__(self, file: DataFile) -> None:
        self.file = file
        with self._opened() as parquet:
            schema = parquet.schema_arrow
        self.names = [name for name in schema.names if not name.startswith(_PANDAS_INDEX)]
        self._types = dict(zip(schema.names, schema.types, strict=True))

    def sha256(self) -> str:
        """Return the checksum of the file."""
        with self.file.open() as raw:
            return MeteredStream(raw).sha256()

    def blocks(
        self, roles: Roles, *, is_mapped: bool, keep_broken: bool, progress: Progress
    ) -> Iterator[Block]:
        """Yield the rows in blocks; the columns that no role has are not read."""
        del is_mapped, keep_broken  # unknown columns were refused by the schema
        for role, name in roles.items():
            kind = self._types[name]
            if role in ("user", "movie") and pa.types.is_floating(kind):
                raise DatasetError(
                    f"{self.file.label}: column {shown(name)} holds {kind}; "
                    "a key is a whole number or text"
                )
        n_read = 0
        for batch in self._batches(PARQUET_BATCH_ROWS, list(roles.values())):
            columns = [_as_text(batch.column(name), role) for role, name in roles.items()]
            yield Block(
                pa.RecordBatch.from_arrays(columns, names=list(roles)),
                {},
                partial(_numbered, batch, n_read + 1),
            )
            n_read += batch.num_rows
            progress("read", self.file.size * n_read // max(self._n_rows, 1), self.file.size)

    def records(self) -> Iterator[Record]:
        """Yield the rows with all their columns."""
        number = 1
        for batch in self._batches(RECORD_BATCH_ROWS, self.names):
            for values, (at, text) in zip(batch.to_pylist(), _numbered(batch, number), strict=True):
                yield Record(at, values, text, "")
            number += batch.num_rows

    def number_of_row(self, roles: Roles, row: int) -> int:
        """Return the number of a row (from 0) as messages give it."""
        del roles
        return row + 1

    def _batches(self, n_rows: int, names: list[str]) -> Iterator[pa.RecordBatch]:
        try:
            with self._opened() as parquet:
                for batch in parquet.iter_batches(batch_size=n_rows, columns=names):
                    batch.validate(full=True)  # that text is UTF-8, among the rest
                    yield batch
        except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
            raise self._unreadable(error) from error

    @contextmanager
    def _opened(self) -> Iterator[pq.ParquetFile]:
        path = self.file.path
        if path is None:
            raise DatasetError(f"{self.file.label}: a Parquet file is not read from a zip")
        try:
            # A file of Arrow's own: no thread of it calls Python, see `data.delimited.blocks`.
            with (
                pa.OSFile(str(path), "rb") as own,
                pq.ParquetFile(own, pre_buffer=False) as parquet,
            ):
                self._n_rows = parquet.metadata.num_rows
                if self._n_rows * RATING_BYTES > max_unpacked(self.file.size):
                    raise DatasetError(
                        f"{self.file.label} has {self._n_rows} rows, too many for its "
                        f"{self.file.size} bytes"
                    )
                yield parquet
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> DatasetError:
        if isinstance(error, DatasetError):
            return error
        return DatasetError(f"{self.file.label} cannot be read as Parquet: {brief(error)}")


def _as_text(column: pa.Array[Any], role: str) -> pa.Array[Any]:
    """Convert a column to the form of the same column of a CSV file; moments stay as they are."""
    if role == "timestamp":
        return column
    text = column.cast(pa.string())
    return text.dictionary_encode() if ARROW_TYPES[role] == VOCABULARY else text


def _numbered(batch: pa.RecordBatch, first: int) -> list[tuple[int, str]]:
    texts = (json.dumps(row, default=str, ensure_ascii=False) for row in batch.to_pylist())
    return list(enumerate(texts, first))

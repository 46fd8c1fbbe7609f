"""Rows of an export as CSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, BinaryIO

from app.datasets.contents import Format

Rows = Iterable[tuple[Any, ...]]
Write = Callable[[Rows], None]

# Of every column that may be exported; lists are genres.
TEXTS = ("event_id", "user", "movie", "kind", "title", "attributes")
NUMBERS = ("rating", "value")
PARTS_OF_CSV = "|"


@contextmanager
def writer(file: BinaryIO, format_: Format, columns: Sequence[str]) -> Iterator[Write]:
    """Yield a function that writes rows; what it has written is complete at the end."""
    if format_ is Format.PARQUET:
        with _parquet_writer(file, columns) as write:
            yield write
        return
    text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    try:
        yield (_csv_writer if format_ is Format.CSV else _json_writer)(text, columns)
    finally:
        text.detach()  # the caller closes the file


def _csv_writer(text: TextIOWrapper, columns: Sequence[str]) -> Write:
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)

    def write(rows: Rows) -> None:
        lines.writerows([_field(value) for value in row] for row in rows)

    return write


def _json_writer(text: TextIOWrapper, columns: Sequence[str]) -> Write:
    def write(rows: Rows) -> None:
        for row in rows:
            known = {
                name: value for name, value in zip(columns, row, strict=True) if value is not None
            }
            text.write(json.dumps(known, ensure_ascii=False, separators=(",", ":")) + "\n")

    return write


@contextmanager
def _parquet_writer(file: BinaryIO, columns: Sequence[str]) -> Iterator[Write]:
    import pyarrow as pa  # noqa: PLC0415 (it takes a while, and the service is without it)
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = pa.schema([(name, _arrow_type(pa, name)) for name in columns])
    with pq.ParquetWriter(file, schema) as parquet:

        def write(rows: Rows) -> None:
            columns_of = zip(*rows, strict=True)
            arrays = [
                pa.array([_plain(field.name, value) for value in values], field.type)
                for field, values in zip(schema, columns_of, strict=True)
            ]
            parquet.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write


def _arrow_type(pa: Any, name: str) -> Any:
    if name in TEXTS:
        return pa.string()
    if name in NUMBERS:
        return pa.float64()
    if name == "liked":
        return pa.bool_()
    return pa.list_(pa.string()) if name == "genres" else pa.int64()


def _plain(name: str, value: Any) -> Any:
    """Give a value of a Parquet column: a key is a text, attributes are JSON."""
    if value is None or name not in TEXTS:
        return value
    return _json(value) if name == "attributes" else str(value)


def _field(value: Any) -> Any:
    """Give a value as a CSV holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return PARTS_OF_CSV.join(value)
    return _json(value) if isinstance(value, dict) else value


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""Rows of an export as CSV, JSON Lines or Parquet."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from shutil import copyfileobj
from typing import Any, BinaryIO

from app.datasets.contents import Format

Rows = Iterable[tuple[Any, ...]]
Write = Callable[[Rows], None]

# Of every column that may be exported; lists are genres.
TEXTS = (
    "event_id", "user", "movie", "kind", "title", "attributes", "who", "action", "subject",
    "detail", "feedback_id", "model", "scenario", "experiment", "arm", "place", "source",
    "recommendation_id",
)  # fmt: skip
NUMBERS = ("rating", "value", "score", "like_probability")
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


def join(file: BinaryIO, format_: Format, columns: Sequence[str], parts: Iterable[Path]) -> None:
    """Write the rows of files of this format, one after the other."""
    if format_ is Format.PARQUET:
        import pyarrow as pa  # noqa: PLC0415 (see above)
        import pyarrow.parquet as pq  # noqa: PLC0415

        with pq.ParquetWriter(file, _schema(pa, columns)) as parquet:
            for part in parts:
                parquet.write_table(pq.read_table(part))
        return
    with writer(file, format_, columns):
        pass  # the names of the columns, where there are any
    for part in parts:
        with part.open("rb") as rows:
            if format_ is Format.CSV:
                rows.readline()
            copyfileobj(rows, file)


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

    schema = _schema(pa, columns)
    with pq.ParquetWriter(file, schema) as parquet:

        def write(rows: Rows) -> None:
            columns_of = list(zip(*rows, strict=True)) or [()] * len(schema)
            arrays = [
                pa.array(_plain(values) if field.name in TEXTS else values, field.type)
                for field, values in zip(schema, columns_of, strict=True)
            ]
            parquet.write_table(pa.Table.from_arrays(arrays, schema=schema))

        yield write


def _schema(pa: Any, columns: Sequence[str]) -> Any:
    return pa.schema([(name, _arrow_type(pa, name)) for name in columns])


def _arrow_type(pa: Any, name: str) -> Any:
    if name in TEXTS:
        return pa.string()
    if name in NUMBERS:
        return pa.float64()
    if name in {"liked", "withdrawn"}:
        return pa.bool_()
    return pa.list_(pa.string()) if name == "genres" else pa.int64()


def _plain(values: Sequence[Any]) -> list[str | None]:
    """Give the values of a column of texts in Parquet: a key is a text, an object is JSON."""
    return [
        value
        if isinstance(value, str) or value is None
        else _json(value)
        if isinstance(value, dict)
        else str(value)
        for value in values
    ]


def _field(value: Any) -> Any:
    """Give a value as a CSV holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return PARTS_OF_CSV.join(value)
    return _json(value) if isinstance(value, dict) else value


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

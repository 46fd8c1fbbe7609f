"""The formats of files, and a file of any of them as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from data.json_lines import JsonTable
from data.parquet import ParquetTable
from data.tables import CsvTable

if TYPE_CHECKING:
    from data.mapping import Mapping
    from data.source import DataFile
    from data.tables import Table

__all__ = ["SUFFIXES", "format_of", "open_table"]

SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def format_of(name: str) -> str | None:
    """Return the format that the name of a file tells, one of `data.mapping.FORMATS`."""
    lower = name.lower().removesuffix(".gz")
    found = next((suffix for suffix in SUFFIXES if lower.endswith(suffix)), None)
    if found is None or (SUFFIXES[found] == "parquet" and lower != name.lower()):
        return None
    return SUFFIXES[found]


def open_table(file: DataFile, mapping: Mapping) -> Table:
    """Return a file as a table, in the format that the mapping, its name or its content tells.

    Raises
    ------
    DatasetError
        It has no header, or is not in this format.
    """
    form = mapping.format or format_of(file.name) or _sniffed(file)
    if form == "parquet":
        return ParquetTable(file)
    if form == "jsonl":
        return JsonTable(file)
    tabs = file.name.lower().removesuffix(".gz").endswith(".tsv")
    return CsvTable(file, mapping.delimiter or ("\t" if tabs else ","))


def _sniffed(file: DataFile) -> str:
    with file.open() as stream:
        begin = stream.read(64)
    if begin.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else "csv"

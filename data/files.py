"""Ratings from one file: the text of a release, or the user's own CSV or Parquet.

An own file has the columns user, movie, rating and, if known, timestamp (Unix seconds; in Parquet
also a moment), in any order, under any of the names in `data.ratings.RATING_ALIASES`. Where a
``movies.csv`` (movie, title, genres) lies beside it, titles come from there and every rating must
be of one of its movies; else a movie is titled "Movie 123".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.delimited import (
    CSV,
    Layout,
    blocks,
    column_roles,
    line_of_row,
    rows,
)
from data.movies import read_movies_csv, untitled_movies
from data.progress import Progress, ignore_progress
from data.ratings import ANY_USER, ARROW_TYPES, RATING_ALIASES, RatingsBuilder, UserRule
from data.release import DatasetError, Release
from data.rules import brief, shown
from data.source import DataFile, MeteredStream, checksum, data_file, max_unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["csv_roles", "read_own_file", "read_text_ratings"]

PARQUET_BATCH_ROWS = 1 << 18
# Of a rating in memory: user, movie, stars and time.
RATING_BYTES = 20
PARQUET_SUFFIXES = (".parquet", ".pq")
# pandas writes an index that is more than a row number as a column of its own.
_PANDAS_INDEX = "__index_level_"


def read_own_file(path: Path, progress: Progress = ignore_progress) -> Release:
    """Read a CSV or Parquet file of ratings.

    Raises
    ------
    DatasetError
        The first error, with file and line (in Parquet: row, from 1).
    """
    file = data_file(path)
    beside = path.with_name("movies.csv")
    movies, movies_sha256 = read_movies_csv(data_file(beside)) if beside.is_file() else (None, None)
    known_movies = None if movies is None else movies["movie_id"].to_numpy()
    if path.suffix.lower() in PARQUET_SUFFIXES:
        ratings, sha256 = _read_parquet_ratings(path, file, known_movies, progress)
    else:
        roles = csv_roles(file)
        ratings, sha256 = read_text_ratings(file, CSV, roles, ANY_USER, known_movies, progress)
    if movies is None:
        movies = untitled_movies(np.unique(ratings["movie_id"].to_numpy()))
    return Release(
        name=path.stem,
        sha256=checksum(ratings=sha256, movies=movies_sha256),
        ratings=ratings,
        movies=movies,
        notice="",
        is_public=False,
    )


def csv_roles(file: DataFile) -> list[str]:
    """Return the role of each column of a CSV file of ratings, from its header.

    Raises
    ------
    DatasetError
        No header in line 1, or one that `column_roles` refuses.
    """
    with file.open() as stream:
        number, header = next(rows(stream, file.label, CSV), (0, []))
    if number != 1:
        raise DatasetError(f"{file.label}, line 1: no header with the names of the columns")
    optional = ("rated_at",)
    return column_roles(header, f"{file.label}, line 1", RATING_ALIASES, optional=optional)


def read_text_ratings(
    file: DataFile,
    layout: Layout,
    roles: list[str],
    users: UserRule,
    known_movies: NDArray[np.int32] | None,
    progress: Progress = ignore_progress,
) -> tuple[pd.DataFrame, str]:
    """Read ratings from delimited text.

    Parameters
    ----------
    file : DataFile
        The file to read.
    layout : Layout
        Its format.
    roles : list of str
        The role of each column, in the order of the file.
    users : UserRule
        The form of a user id.
    known_movies : int array or None
        Every rating must be of one of these; None allows any.
    progress : callable
        Called with the number of bytes read.

    Returns
    -------
    ratings : DataFrame
        As `data.release.Release.ratings` describes them.
    sha256 : str
        Checksum of the file.

    Raises
    ------
    DatasetError
        The first error, with file and line.
    """

    def place(row: int) -> str:
        return f"line {line_of_row(file, layout, row)}"

    builder = RatingsBuilder(file.label, place, users, known_movies)
    with file.open() as raw:
        metered = MeteredStream(raw, lambda done: progress("read", done, file.size))
        types = {role: ARROW_TYPES[role] for role in roles}
        builder.extend(blocks(metered, file, layout, types))
        sha256 = metered.sha256()
    return builder.finish(), sha256


def _read_parquet_ratings(
    path: Path, file: DataFile, known_movies: NDArray[np.int32] | None, progress: Progress
) -> tuple[pd.DataFrame, str]:
    builder = RatingsBuilder(file.label, lambda row: f"row {row + 1}", ANY_USER, known_movies)
    with file.open() as raw:
        sha256 = MeteredStream(raw).sha256()
    try:
        # A file of Arrow's own: no thread of it calls Python, see `data.delimited.blocks`.
        with pa.OSFile(str(path), "rb") as own, pq.ParquetFile(own, pre_buffer=False) as parquet:
            builder.extend(_parquet_batches(parquet, file, progress))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{file.label} cannot be read as Parquet: {brief(error)}") from error
    return builder.finish(), sha256


def _parquet_batches(
    parquet: pq.ParquetFile, file: DataFile, progress: Progress
) -> Iterator[pa.RecordBatch]:
    n_rows = parquet.metadata.num_rows
    if n_rows * RATING_BYTES > max_unpacked(file.size):
        raise DatasetError(f"{file.label} has {n_rows} rows, too many for its {file.size} bytes")
    schema = parquet.schema_arrow
    names = [name for name in schema.names if not name.startswith(_PANDAS_INDEX)]
    roles = column_roles(names, file.label, RATING_ALIASES, optional=("rated_at",))
    for name, role in zip(names, roles, strict=True):
        if role in ("user", "movie") and pa.types.is_floating(schema.field(name).type):
            raise DatasetError(
                f"{file.label}: column {shown(name)} holds {schema.field(name).type}; "
                "an id is a whole number or text"
            )
    n_read = 0
    for batch in parquet.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=names):
        columns = [
            _as_text(batch.column(name), role) for name, role in zip(names, roles, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, names=roles)
        n_read += batch.num_rows
        progress("read", file.size * n_read // max(n_rows, 1), file.size)


def _as_text(column: pa.Array[Any], role: str) -> pa.Array[Any]:
    """Convert a column to the form of the same column of a CSV file."""
    if role != "rated_at":
        return column.cast(pa.string()).dictionary_encode()
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    return column

"""Logs and catalogues of one's own: from a file, a folder, a zip or standard input.

A log holds ratings or events, one per row, under the usual names of columns (`data.roles`) or as a
mapping says. A file of movies beside it gives titles and further attributes, and then every row of
the log must be of one of them; without one, a movie is titled by its key.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from data.bad_rows import BadRows
from data.catalogue import read_catalogue
from data.columns import any_movie, any_user
from data.formats import SUFFIXES, format_of, open_table
from data.log_stream import log_builder
from data.mapping import LOG_ROLES, Mapping
from data.movies import read_links, untitled_movies
from data.progress import Progress, ignore_progress
from data.ratings import LogRules, no_ratings
from data.release import DatasetError, Release
from data.roles import is_catalogue, log_roles
from data.source import DataFile, checksum, data_file, spooled
from data.stars import StarScale, number
from data.times import any_times

if TYPE_CHECKING:
    from typing import IO

    import pandas as pd

    from data.log_stream import TakeRatings
    from data.ratings import LogBuilder
    from data.tables import Table

__all__ = ["OwnReader"]

LOGS, MOVIES = ("ratings", "events"), ("movies",)
_TIME_MEANING = "time (Unix seconds or milliseconds, or ISO 8601)"
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")


@dataclass(frozen=True, slots=True)
class OwnReader:
    """Reads own files; each method raises `DatasetError` for the first error, with its place.

    Parameters
    ----------
    mapping : Mapping
    like_threshold : float
        Ratings of so many stars and more are likes.
    progress : callable
        Called with the number of bytes read.
    take : callable, optional
        Takes the ratings block by block; the releases hold none then.
    """

    mapping: Mapping
    like_threshold: float
    progress: Progress = ignore_progress
    take: TakeRatings | None = None

    def file(self, path: Path) -> Release:
        """Read a log, with a catalogue that lies beside it, or a catalogue alone."""
        table = open_table(data_file(path), self.mapping)
        if is_catalogue(table, self.mapping):
            return self._release(_stem(path.name), None, table)
        beside = {
            other.name: data_file(other)
            for other in sorted(path.parent.glob("movies.*"))
            if other.is_file() and other != path
        }
        return self._release(_stem(path.name), table, self._catalogue(_only(MOVIES, beside, path)))

    def standard_input(self, stream: IO[bytes]) -> Release:
        """Read a log or a catalogue from a stream."""
        with spooled(stream, self.progress) as file:
            table = open_table(file, self.mapping)
            if is_catalogue(table, self.mapping):
                return self._release("stdin", None, table)
            return self._release("stdin", table, None)

    def folder(self, path: Path, files: dict[str, DataFile]) -> Release:
        """Read the log and the catalogue among the files of a folder or zip, by their names.

        They lie in the folder itself or, together, in one of its folders.
        """
        inner = sorted({name.rpartition("/")[0] for name in files if _is_own(name)})
        if not inner:
            raise DatasetError(
                f"{path} holds no MovieLens release, and neither ratings nor events nor movies "
                f"({', '.join(SUFFIXES)})"
            )
        here = {
            n.rpartition("/")[2]: f for n, f in files.items() if n.rpartition("/")[0] == inner[0]
        }
        log = _only(LOGS, here, path)
        name = path.stem if path.is_file() else path.resolve().name
        movies = self._catalogue(_only(MOVIES, here, path))
        table = None if log is None else open_table(_nonempty(log), self.mapping)
        links = here.get("links.csv") if movies is not None and movies.is_text else None
        return self._release(name, table, movies, links)

    def _catalogue(self, file: DataFile | None) -> Table | None:
        """Return a file of movies as a table; it may have another delimiter than the log."""
        if file is None:
            return None
        delimiter = self.mapping.delimiter
        if delimiter is not None:
            with _nonempty(file).open() as stream:
                delimiter = delimiter if delimiter.encode() in stream.readline(1 << 16) else None
        return open_table(_nonempty(file), replace(self.mapping, format=None, delimiter=delimiter))

    def _release(
        self, name: str, log: Table | None, catalogue: Table | None, links: DataFile | None = None
    ) -> Release:
        bad_rows = None
        if self.mapping.max_bad(1_000_000):
            bad_rows = BadRows(self.mapping, self.mapping.bad_rows or Path(f"{name}.bad.csv"))
        sums: dict[str, str | None] = {"ratings": None, "movies": None}
        movies = builder = None
        if catalogue is not None:
            movies = read_catalogue(catalogue, self.mapping, bad_rows)
            sums["movies"] = catalogue.sha256()
        if links is not None and movies is not None:
            movies, sums["links"] = read_links(links, movies)
        if log is not None:
            builder = self._read_log(log, movies, bad_rows)
            sums["ratings"] = log.sha256()
        rejected = None if bad_rows is None else bad_rows.finish()
        ratings, events = no_ratings(), None
        if builder is not None:
            ratings, events = builder.finish()
            if movies is None:
                rows = ratings if events is None else events
                movies = untitled_movies(builder.keys_of_rated(rows))
        if movies is None:
            raise DatasetError(f"{name} holds neither a log nor a catalogue")
        return Release(
            name=name,
            sha256=checksum(**sums, mapping=self._mapping_sha256()),
            ratings=ratings,
            movies=movies,
            notice="",
            is_public=False,
            is_own=True,
            events=events,
            rejected=rejected,
        )

    def _read_log(
        self, log: Table, movies: pd.DataFrame | None, bad_rows: BadRows | None
    ) -> LogBuilder:
        roles = log_roles(log, self.mapping)
        known = None if movies is None else frozenset(movies["movie_id"].tolist())
        rules = LogRules(
            user=any_user,
            movie=any_movie(known),
            times=any_times,
            time_meaning=_TIME_MEANING,
            scale=StarScale.of(self.mapping, self.like_threshold),
            parse=number if self.mapping.delimiter in (None, ",") else _with_decimal_comma,
            kind=self.mapping.kind,
            kinds=self.mapping.kinds,
            latest_wins=self.mapping.latest_wins,
        )

        def place(row: int) -> str:
            return f"{log.unit} {log.number_of_row(roles, row)}"

        builder = log_builder(self.take, log.file.label, place, rules, bad_rows, log.unit)
        builder.extend(
            log.blocks(
                roles,
                is_mapped=bool(self.mapping.columns.keys() & set(LOG_ROLES)),
                keep_broken=bad_rows is not None,
                progress=self.progress,
            )
        )
        if bad_rows is not None:
            bad_rows.n_rows += builder.n_rows
        return builder

    def _mapping_sha256(self) -> str | None:
        """Return a checksum of what the mapping changes, None if it changes nothing."""
        mapping = replace(self.mapping, bad_rows=None, format=None)
        if mapping == Mapping():
            return None
        threshold = self.like_threshold if mapping.like_from is not None else None
        return hashlib.sha256(f"{mapping} {threshold}".encode()).hexdigest()


def _with_decimal_comma(text: str) -> float:
    return number(text.replace(",", ".") if _DECIMAL_COMMA.fullmatch(text) else text)


def _stem(name: str) -> str:
    """Return the name of a file without its suffixes."""
    return Path(name.removesuffix(".gz")).stem


def _is_own(name: str) -> bool:
    base = name.rpartition("/")[2]
    return _stem(base) in (*LOGS, *MOVIES) and format_of(base) is not None


def _only(stems: tuple[str, ...], files: dict[str, DataFile], path: Path) -> DataFile | None:
    """Return the file with one of these names; raise if there are several."""
    found = [file for name, file in files.items() if _stem(name) in stems and _is_own(name)]
    if len(found) > 1:
        names = " and ".join(file.name for file in found)
        raise DatasetError(f"{path}: which of {names} counts? Leave one, or import one by one")
    return found[0] if found else None


def _nonempty(file: DataFile) -> DataFile:
    if file.size == 0:
        raise DatasetError(f"{file.label} is empty")
    return file

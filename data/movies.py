"""Movies as checked columns, one reader per form of the file.

At most some ten thousand rows: they are read one by one, so every error knows its line.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from data.columns import MOVIE_NAMES, MOVIELENS_ID
from data.delimited import BLOCK_BYTES, CSV, DAT, LATIN_1, PIPES, Layout, rows
from data.movie_keys import MovieKey, movie_id, stored_key
from data.release import DatasetError
from data.roles import column_roles
from data.rules import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_GENRE_LENGTH,
    MAX_GENRES,
    MAX_MOVIE_ID,
    MAX_TITLE_LENGTH,
    flaw,
    shown,
)
from data.source import DataFile, MeteredStream
from data.titles import split_title

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "FieldError",
    "Movie",
    "default_title",
    "genres_of",
    "movie_frame",
    "read_links",
    "read_movies_csv",
    "read_movies_dat",
    "read_u_item",
    "untitled_movies",
]

NO_GENRES = "(no genres listed)"
# A genre of the two oldest releases, and its name in all later ones.
OLD_GENRES = {"Children's": "Children"}
# The columns of u.item behind the first five, as u.genre numbers them.
U_ITEM_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary",
    "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi",
    "Thriller", "War", "Western",
)  # fmt: skip
MOVIE_ALIASES = {"movie": MOVIE_NAMES, "title": ("title", "name"), "genres": ("genres", "genre")}
LINK_ALIASES = {"movie": MOVIE_NAMES, "imdb": ("imdbid", "imdb"), "tmdb": ("tmdbid", "tmdb")}

_RELEASE_DATE = re.compile(r"\d{2}-[A-Z][a-z]{2}-(\d{4})")
_IMDB_OR_TMDB_ID = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Movie:
    """A movie as a row of `data.release.Release.movies`."""

    movie_id: int
    title: str
    year: int | None
    genres: list[str]
    key: str | None = None
    titled: bool = True
    imdb_id: int | None = None
    tmdb_id: int | None = None
    attributes: dict[str, Any] | None = None
    withdrawn: bool | None = None
    available_from: int | None = None
    available_until: int | None = None

    @property
    def name(self) -> int | str:
        """Its key."""
        return self.movie_id if self.key is None else self.key


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns that a header may name."""

    aliases: dict[str, tuple[str, ...]]
    optional: tuple[str, ...]


class FieldError(ValueError):
    """An error in a row; the caller adds the line."""


def read_movies_csv(file: DataFile) -> tuple[pd.DataFrame, str]:
    """Read ``movies.csv``: movie, title and, if known, genres divided by ``|``.

    Returns
    -------
    movies : DataFrame
        As `data.release.Release.movies` describes them, imdb_id and tmdb_id missing.
    sha256 : str
        Checksum of the file.

    Raises
    ------
    DatasetError
        The first error, with file and line.
    """
    return _read_movies(file, CSV, _Columns(MOVIE_ALIASES, optional=("genres",)), _piped_movie)


def read_movies_dat(file: DataFile) -> tuple[pd.DataFrame, str]:
    """Read ``movies.dat``: MovieID::Title::Genres, in UTF-8 (10M) or else in Latin-1 (1M).

    Returns and raises the same as `read_movies_csv`.
    """
    layout = DAT if _is_utf8(file) else replace(DAT, encoding=LATIN_1)
    return _read_movies(file, layout, ["movie", "title", "genres"], _piped_movie)


def read_u_item(file: DataFile) -> tuple[pd.DataFrame, str]:
    """Read ``u.item``: id, title, two dates, address and 19 genre flags, in Latin-1.

    Returns and raises the same as `read_movies_csv`.
    """
    roles = ["movie", "title", "release_date", "video_date", "address", *U_ITEM_GENRES]
    return _read_movies(file, PIPES, roles, _flagged_movie)


def read_links(file: DataFile, movies: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Add the IMDb and TMDB ids of ``links.csv`` to `movies`; other movies' links are left out.

    Returns
    -------
    movies : DataFrame
        The same movies with imdb_id and tmdb_id.
    sha256 : str
        Checksum of the file.

    Raises
    ------
    DatasetError
        The first error, with file and line.
    """
    links: dict[int, tuple[int | None, int | None]] = {}
    columns = _Columns(LINK_ALIASES, optional=("tmdb",))
    with file.open() as raw:
        metered = MeteredStream(raw)
        for number, fields in _records(metered, file.label, CSV, columns):
            with _at_line(file.label, number):
                pair = _link(fields["imdb"]), _link(fields.get("tmdb", ""))
                links[_movie_id(fields["movie"])] = pair
        sha256 = metered.sha256()
    pairs = [links.get(movie_id, (None, None)) for movie_id in movies["movie_id"].tolist()]
    return movies.assign(
        imdb_id=pd.array([imdb for imdb, _ in pairs], dtype="Int32"),
        tmdb_id=pd.array([tmdb for _, tmdb in pairs], dtype="Int32"),
    ), sha256


def untitled_movies(keys: list[MovieKey]) -> pd.DataFrame:
    """Return movies of which only the key is known."""
    return movie_frame(
        [
            Movie(movie_id(key), default_title(key), None, [], stored_key(key), titled=False)
            for key in keys
        ]
    )


def default_title(key: MovieKey) -> str:
    """Return what stands for a missing title: the key, of a number "Movie 123"."""
    return key if isinstance(key, str) else f"Movie {key}"


def _is_utf8(file: DataFile) -> bool:
    decoder = getincrementaldecoder("utf-8")()
    try:
        with file.open() as stream:
            while block := stream.read(BLOCK_BYTES):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _read_movies(
    file: DataFile,
    layout: Layout,
    columns: list[str] | _Columns,
    parse: Callable[[dict[str, str]], Movie],
) -> tuple[pd.DataFrame, str]:
    line_of: dict[int, int] = {}
    movies: list[Movie] = []
    with file.open() as raw:
        metered = MeteredStream(raw)
        for number, fields in _records(metered, file.label, layout, columns):
            with _at_line(file.label, number):
                movie = parse(fields)
                before = line_of.setdefault(movie.movie_id, number)
                if before != number:
                    raise FieldError(f"movie {movie.movie_id} again, after line {before}")
                movies.append(movie)
        sha256 = metered.sha256()
    if not movies:
        raise DatasetError(f"{file.label} holds no movie")
    return movie_frame(movies), sha256


def _records(
    stream: MeteredStream, label: str, layout: Layout, columns: list[str] | _Columns
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of the line and the fields by role; the header of a CSV names the roles."""
    roles = columns if isinstance(columns, list) else []
    for number, fields in rows(stream, label, layout):
        if not roles and isinstance(columns, _Columns):
            where = f"{label}, line {number}"
            roles = column_roles(fields, where, columns.aliases, optional=columns.optional)
        elif len(fields) != len(roles):
            raise DatasetError(
                f"{label}, line {number}: {len(fields)} fields instead of {len(roles)}"
            )
        else:
            yield number, dict(zip(roles, fields, strict=True))


@contextmanager
def _at_line(label: str, number: int) -> Iterator[None]:
    try:
        yield
    except FieldError as error:
        raise DatasetError(f"{label}, line {number}: {error}") from error


def _piped_movie(fields: dict[str, str]) -> Movie:
    title, year = _title(fields["title"])
    genres = fields.get("genres", "").strip()
    names = [] if genres in ("", NO_GENRES) else [genre.strip() for genre in genres.split("|")]
    return Movie(_movie_id(fields["movie"]), title, year, genres_of(names))


def _flagged_movie(fields: dict[str, str]) -> Movie:
    title, year = _title(fields["title"])
    if year is None and (date := _RELEASE_DATE.fullmatch(fields["release_date"])):
        year = int(date[1]) if FIRST_YEAR <= int(date[1]) <= LAST_YEAR else None
    for genre in U_ITEM_GENRES:
        if fields[genre] not in ("0", "1"):
            flag = shown(fields[genre])
            raise FieldError(f"the flag of {genre} is {flag}, neither 0 nor 1")
    names = [genre for genre in U_ITEM_GENRES[1:] if fields[genre] == "1"]
    return Movie(_movie_id(fields["movie"]), title, year, genres_of(names))


def _movie_id(text: str) -> int:
    if not MOVIELENS_ID.fullmatch(text) or int(text) > MAX_MOVIE_ID:
        raise FieldError(f"{shown(text)} is no movie id (a whole number from 1 to {MAX_MOVIE_ID})")
    return int(text)


def _title(text: str) -> tuple[str, int | None]:
    title, year = split_title(text)
    if not title:
        raise FieldError("the title is missing")
    if problem := flaw(title, MAX_TITLE_LENGTH):
        raise FieldError(f"the title {problem}")
    return title, year


def genres_of(names: list[str]) -> list[str]:
    """Genres under the names of the newer releases, each once, in the order of the file."""
    genres = list(dict.fromkeys(OLD_GENRES.get(name, name) for name in names if name))
    if len(genres) > MAX_GENRES:
        raise FieldError(f"the movie has {len(genres)} genres, more than {MAX_GENRES}")
    for genre in genres:
        if problem := flaw(genre, MAX_GENRE_LENGTH):
            raise FieldError(f"the genre {problem}")
    return genres


def _link(text: str) -> int | None:
    if not text:
        return None
    if not _IMDB_OR_TMDB_ID.fullmatch(text) or int(text) > MAX_MOVIE_ID:
        raise FieldError(f"{shown(text)} is no id of IMDb or TMDB")
    return int(text)


def movie_frame(movies: list[Movie]) -> pd.DataFrame:
    """Return movies as `data.release.Release.movies` describes them."""
    ids = np.array([movie.movie_id for movie in movies], dtype=np.int64)
    return pd.DataFrame(
        {
            "movie_id": ids.astype(np.int32) if (ids > 0).all() else ids,
            "key": pd.Series([movie.key for movie in movies], dtype="object"),
            "title": pd.Series([movie.title for movie in movies], dtype="str"),
            "titled": np.array([movie.titled for movie in movies], dtype=np.bool_),
            "year": pd.array([movie.year for movie in movies], dtype="Int32"),
            "genres": pd.Series([movie.genres for movie in movies], dtype="object"),
            "imdb_id": pd.array([movie.imdb_id for movie in movies], dtype="Int32"),
            "tmdb_id": pd.array([movie.tmdb_id for movie in movies], dtype="Int32"),
            "attributes": pd.Series([movie.attributes for movie in movies], dtype="object"),
            "withdrawn": pd.array([movie.withdrawn for movie in movies], dtype="boolean"),
            "available_from": pd.array([movie.available_from for movie in movies], dtype="Int64"),
            "available_until": pd.array([movie.available_until for movie in movies], dtype="Int64"),
        }
    )

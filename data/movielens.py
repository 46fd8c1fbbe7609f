"""MovieLens releases by name, and any data set by its path.

A name is searched as ``<datasets_dir>/<name>/``, then as ``<datasets_dir>/<name>.zip``, and
downloaded to there otherwise. Anything else is the path of a folder or zip in one of the three
forms of MovieLens, or of files of one's own (`data.files`).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from data.columns import movielens_user, numbered_movie
from data.delimited import CSV, DAT, TABS, Layout, blocks, header_of, line_of_row
from data.download import download
from data.files import OwnReader
from data.formats import SUFFIXES, format_of
from data.log_stream import log_builder
from data.mapping import Mapping
from data.movies import read_links, read_movies_csv, read_movies_dat, read_u_item
from data.progress import Progress, ignore_progress
from data.ratings import LogRules
from data.release import NO_TIME, DatasetError, DownloadError, Release
from data.roles import RATING_ALIASES, column_roles
from data.rules import flaw
from data.source import DataFile, MeteredStream, checksum, files_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from data.log_stream import TakeRatings

__all__ = [
    "NO_TIME",
    "RELEASES",
    "SAMPLE",
    "DatasetError",
    "DownloadError",
    "Release",
    "load",
]

RELEASES = (
    "ml-latest-small", "ml-100k", "ml-1m", "ml-10m", "ml-20m", "ml-25m", "ml-32m", "ml-latest",
)  # fmt: skip
SAMPLE = "sample"
MAX_PATH_LENGTH = 4_096
SAMPLE_FOLDER = Path(__file__).with_name("sample")
SAMPLE_NOTICE = (
    "Bundled sample: the movies are real, all users and ratings are invented. Good for a first "
    "look, not for conclusions."
)
# The conditions that the licences of all releases share; the README of each has the full text.
NOTICE = (
    "MovieLens data of GroupLens Research, University of Minnesota. For research; no commercial "
    "use without permission of GroupLens, no claim of their endorsement; passing it on is bound "
    "by the README of the release. Cite: F. Maxwell Harper and Joseph A. Konstan. 2015. The "
    "MovieLens Datasets: History and Context. ACM TiiS 5, 4: 19. https://doi.org/10.1145/2827872"
)


@dataclass(frozen=True, slots=True)
class _Form:
    """One of the formats of the releases of GroupLens."""

    ratings: str
    movies: str
    layout: Layout
    read_movies: Callable[[DataFile], tuple[pd.DataFrame, str]]


_FORMS = (
    _Form("ratings.csv", "movies.csv", CSV, read_movies_csv),
    _Form("ratings.dat", "movies.dat", DAT, read_movies_dat),
    _Form("u.data", "u.item", TABS, read_u_item),
)
_HEADERLESS_ROLES = ["user", "movie", "rating", "timestamp"]
STANDARD_INPUT = "-"


def load(
    name_or_path: str,
    *,
    datasets_dir: Path,
    datasets_url: str,
    progress: Progress = ignore_progress,
    mapping: Mapping | None = None,
    like_threshold: float = 4.0,
    take: TakeRatings | None = None,
) -> Release:
    """Read a data set; a release that is not there yet is downloaded first.

    Parameters
    ----------
    name_or_path : str
        ``"sample"``, a name in `RELEASES`, the path of a folder, a zip, a CSV, JSON Lines or
        Parquet file, or ``"-"`` for standard input. Names take precedence: write ``./ml-1m`` for a
        folder of that name.
    datasets_dir : Path
        Folder of the releases, also of those downloaded.
    datasets_url : str
        Address that releases are downloaded from.
    progress : callable
        Called with the number of bytes downloaded and read.
    mapping : Mapping, optional
        How to read a file of one's own.
    like_threshold : float
        Ratings of so many stars and more are likes, see `Mapping.like_from`.
    take : callable, optional
        Takes the ratings block by block, so that they need not fit into memory; the release that
        is returned holds none then.

    Returns
    -------
    Release

    Raises
    ------
    DownloadError
        The release is missing and cannot be downloaded: the sample may replace it.
    DatasetError
        There is no such data set, or it has an error.
    """
    if name_or_path == SAMPLE or name_or_path in RELEASES:
        if mapping not in (None, Mapping()):
            raise DatasetError(f"{name_or_path} is read as it is: a mapping is for own files")
        if name_or_path == SAMPLE:
            return _read_release(SAMPLE_FOLDER, SAMPLE, progress, take)
        path = _found(name_or_path, datasets_dir)
        path = path or download(name_or_path, datasets_url, datasets_dir, progress)
        return _read_release(path, name_or_path, progress, take)
    own = OwnReader(mapping or Mapping(), like_threshold, progress, take)
    if name_or_path == STANDARD_INPUT:
        return own.standard_input(sys.stdin.buffer)
    if problem := flaw(name_or_path, MAX_PATH_LENGTH):
        raise DatasetError(f"the path of the data set {problem}")
    path = Path(name_or_path)
    if (name_or_path and path.is_dir()) or path.suffix.lower() == ".zip":
        if not path.exists():
            raise DatasetError(f"{path} does not exist")
        files = files_of(path)
        is_movielens = own.mapping == Mapping() and _is_movielens(files)
        if is_movielens:
            return _read_release(path, None, progress, take)
        return own.folder(path, files)
    if format_of(path.name) or (own.mapping.format and path.is_file()):
        return own.file(path)
    raise DatasetError(
        f"{name_or_path!r} is neither a release ({', '.join(RELEASES)}, {SAMPLE}) nor the path "
        f"of a folder, a .zip or a file ({', '.join(SUFFIXES)}; others with their format)"
    )


def _found(name: str, datasets_dir: Path) -> Path | None:
    candidates = (datasets_dir / name, datasets_dir / f"{name}.zip")
    return next((path for path in candidates if path.exists()), None)


def _read_release(
    path: Path, name: str | None, progress: Progress, take: TakeRatings | None
) -> Release:
    if not path.exists():
        raise DatasetError(f"{path} does not exist")
    files = files_of(path)
    form, folder = _form_of(path, files)
    ratings_file, movies_file = (_nonempty(files[folder + n]) for n in (form.ratings, form.movies))
    links_file = files.get(f"{folder}links.csv") if form.layout is CSV else None

    movies, movies_sha256 = form.read_movies(movies_file)
    links_sha256 = None
    if links_file is not None:
        movies, links_sha256 = read_links(links_file, movies)
    known = frozenset(movies["movie_id"].tolist())
    ratings, ratings_sha256 = _read_ratings(ratings_file, form.layout, known, progress, take)
    # The user's own folder may have the same form, the same name and the same README.
    is_public = name is not None
    is_movielens = name in RELEASES or _speaks_of_grouplens(files)
    notice = NOTICE if is_movielens else ""
    return Release(
        name=name or (path.stem if path.is_file() else path.resolve().name),
        sha256=checksum(ratings=ratings_sha256, movies=movies_sha256, links=links_sha256),
        ratings=ratings,
        movies=movies,
        notice=SAMPLE_NOTICE if path == SAMPLE_FOLDER else notice,
        is_public=is_public,
        is_own=name is None,
    )


def _read_ratings(
    file: DataFile,
    layout: Layout,
    known_movies: frozenset[int],
    progress: Progress,
    take: TakeRatings | None,
) -> tuple[pd.DataFrame, str]:
    """Return the ratings of a release and the checksum of their file."""
    roles: list[str | None] = [*_HEADERLESS_ROLES]
    if layout is CSV:
        header, where = header_of(file, layout), f"{file.label}, line 1"
        roles = [*column_roles(header, where, RATING_ALIASES, optional=("timestamp",))]

    def place(row: int) -> str:
        return f"line {line_of_row(file, layout, roles, row)}"

    rules = LogRules(user=movielens_user, movie=numbered_movie(known_movies))
    builder = log_builder(take, file.label, place, rules)
    with file.open() as raw:
        metered = MeteredStream(raw, lambda done: progress("read", done, file.size))
        builder.extend(blocks(metered, file, layout, roles))
        sha256 = metered.sha256()
    return builder.finish()[0], sha256


def _is_movielens(files: dict[str, DataFile]) -> bool:
    """Tell a release of MovieLens, by its form or its README, from own files."""
    forms = [
        form
        for form in _FORMS
        if any(name.rpartition("/")[2] == form.ratings for name in files)
        and any(name.rpartition("/")[2] == form.movies for name in files)
    ]
    return any(form.layout is not CSV or _speaks_of_grouplens(files) for form in forms)


def _form_of(path: Path, files: dict[str, DataFile]) -> tuple[_Form, str]:
    """Return the form and the folder inside `path` (with a trailing ``/``, or empty)."""
    folders = sorted({name[: name.rfind("/") + 1] for name in files})
    for folder in folders:  # the top one, "", comes first
        for form in _FORMS:
            if folder + form.ratings in files and folder + form.movies in files:
                return form, folder
    forms = ", ".join(f"{form.ratings} with {form.movies}" for form in _FORMS)
    raise DatasetError(f"{path} holds no MovieLens release ({forms})")


def _nonempty(file: DataFile) -> DataFile:
    if file.size == 0:
        raise DatasetError(f"{file.label} is empty")
    return file


def _speaks_of_grouplens(files: dict[str, DataFile]) -> bool:
    """Return whether a README names GroupLens, whose licence may apply then."""
    for name, file in files.items():
        if PurePosixPath(name).name.lower().startswith("readme"):
            with file.open() as stream:
                if b"grouplens" in stream.read(1 << 16).lower():
                    return True
    return False

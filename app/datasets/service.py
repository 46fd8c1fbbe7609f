"""Import of a release: one transaction, all or nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from app.config import Settings
from app.datasets import bulk, frames, repository
from app.datasets.repository import ImportedDataset, NamedMovie
from app.db.engine import Database
from app.ratings.user_repository import next_revision
from app.registry import repository as models
from data.progress import Progress, ignore_progress

if TYPE_CHECKING:
    import pandas as pd

    from data.release import Release

MOVIES_CHUNK = 5_000


class DatasetConflictError(Exception):
    """The release conflicts with the content of the database; nothing was changed."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The content of a release, and the changes of its import."""

    name: str
    notice: str
    n_movies: int
    n_users: int
    n_ratings: int
    unchanged: bool = False
    replaced: str | None = None
    n_ratings_written: int = 0
    n_ratings_removed: int = 0

    @classmethod
    def of(cls, release: Release) -> ImportSummary:
        """Count the content of a release."""
        n_users = release.ratings["user"].nunique()
        return cls(release.name, release.notice, len(release.movies), n_users, len(release.ratings))


def import_named(
    database: Database,
    settings: Settings,
    source: str,
    *,
    replace: bool = False,
    progress: Progress = ignore_progress,
) -> ImportSummary:
    """Import a release by its name, or a data set by its path; see `import_release`."""
    from data.movielens import load  # noqa: PLC0415 (it loads pandas, which takes a second)

    release = load(
        source,
        datasets_dir=settings.datasets_dir,
        datasets_url=str(settings.datasets_url),
        progress=progress,
    )
    return import_release(database, release, replace=replace, progress=progress)


def import_release(
    database: Database,
    release: Release,
    *,
    replace: bool = False,
    now: datetime | None = None,
    progress: Progress = ignore_progress,
) -> ImportSummary:
    """Import a release, with `replace` in place of another one.

    Raises `DatasetConflictError` if the database holds another release and `replace` is false, or
    if a movie that users have rated has the id of another movie in the release.
    """
    summary = ImportSummary.of(release)
    imported_at = (now or datetime.now(UTC)).replace(microsecond=0)
    with database.unit_of_work() as connection:
        repository.lock_imports(connection)
        before = repository.imported_dataset(connection)
        if before is not None:
            if (before.name, before.sha256) == (release.name, release.sha256):
                if before.is_public != release.is_public:  # imported from a path before
                    repository.add(connection, before._replace(is_public=release.is_public))
                return dataclasses.replace(summary, unchanged=True)
            if not replace:
                raise DatasetConflictError(_conflict(before, release))
        repository.begin(connection)
        if before is not None:
            n_removed = _remove(connection)
            summary = dataclasses.replace(
                summary, replaced=before.name, n_ratings_removed=n_removed
            )
        _refuse_other_movies(connection, release.movies, release.name)
        dataset = ImportedDataset(release.name, release.sha256, imported_at, release.is_public)
        repository.add(connection, dataset)
        _put_movies(connection, release.movies, progress)
        n_written = _put_ratings(connection, release, imported_at, progress)
        # Last, since all other writers wait from here on.
        repository.finish(connection, next_revision(connection))
    return dataclasses.replace(summary, n_ratings_written=n_written)


def _conflict(before: ImportedDataset, release: Release) -> str:
    same = "another version of " if before.name == release.name else ""
    return (
        f"the database holds {same}{before.name}, imported on {before.imported_at:%Y-%m-%d}: "
        f"import {release.name} in its place (--replace), or into another database"
    )


def _remove(connection: Connection) -> int:
    """Remove a release; ratings given through the service stay."""
    repository.lock_ratings(connection)
    n_removed = repository.remove_ratings(connection)
    repository.remove_users_without_ratings(connection)
    repository.remove_movies_without_ratings(connection)
    models.deactivate(connection)  # movie ids may differ from now on
    return n_removed


def _refuse_other_movies(connection: Connection, movies: pd.DataFrame, name: str) -> None:
    """Raise if the remaining ratings would become ratings of other movies."""
    given = {
        row["id"]: NamedMovie(row["id"], row["title"], row["year"])
        for row in frames.movie_rows(movies)
    }
    for movie in repository.rated_movies(connection):
        new = given.get(movie.movie_id, movie)
        if new.title != movie.title or (
            None not in (new.year, movie.year) and new.year != movie.year
        ):
            n_ratings = repository.count_ratings(connection, movie.movie_id)
            raise DatasetConflictError(
                f"movie {movie.movie_id} is {_shown(new)} in {name}, but {_shown(movie)} in the "
                f"database, and {n_ratings} ratings that stay refer to it: delete these, or "
                "import into another database"
            )


def _shown(movie: NamedMovie) -> str:
    return repr(movie.title) + (f" ({movie.year})" if movie.year is not None else "")


def _put_movies(connection: Connection, movies: pd.DataFrame, report: Progress) -> None:
    rows = frames.movie_rows(movies)
    report("movies", 0, len(rows))
    for begin in range(0, len(rows), MOVIES_CHUNK):
        chunk = rows[begin : begin + MOVIES_CHUNK]
        repository.put_movies(connection, chunk)
        report("movies", begin + len(chunk), len(rows))


def _put_ratings(
    connection: Connection, release: Release, imported_at: datetime, report: Progress
) -> int:
    """Write users and ratings; return the number of new ratings."""
    codes, users = release.ratings["user"].factorize()
    user_ids = repository.put_users(connection, map(str, users), release.name)[codes]
    seconds, total = int(imported_at.timestamp()), len(release.ratings)
    n_done = n_written = 0
    report("ratings", n_done, total)
    with bulk.writer(connection) as write:
        for chunk in frames.rating_chunks(release.ratings, user_ids, seconds):
            n_written += write(chunk)
            n_done += len(chunk.user_ids)
            report("ratings", n_done, total)
    return n_written

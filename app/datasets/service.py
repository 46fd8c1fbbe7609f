"""Import of a release: one transaction, all or nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from app.config import Settings
from app.datasets import feedback, frames, movies, repository, staging
from app.datasets.movies import Change, MovieUpdate
from app.datasets.replacement import Replacement
from app.datasets.repository import ImportedDataset
from app.datasets.writing import Writing
from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.events.rule import Rule
from app.movies.repository import next_revision as next_movies_revision
from app.ratings.user_repository import next_revision
from data.movie_keys import public_key
from data.progress import Progress, ignore_progress
from data.rules import shown

if TYPE_CHECKING:
    from app.store.folder import ModelStore
    from data.log_stream import TakeRatings
    from data.mapping import Mapping
    from data.release import Rejected, Release

NO_RULE = Rule()


class DatasetConflictError(Exception):
    """The release conflicts with the content of the database; nothing was changed."""


class TitlesDifferError(DatasetConflictError):
    """The file describes movies otherwise than the database; nothing was changed."""

    def __init__(self, changes: Sequence[Change]) -> None:
        n_movies = len({change.movie for change in changes})
        what = "1 movie" if n_movies == 1 else f"{n_movies:,} movies"
        super().__init__(
            f"the file describes {what} otherwise than the database: --accept-titles imports it "
            "all the same"
        )
        self.changes = changes


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The content of a release, and the changes of its import."""

    name: str
    notice: str
    n_movies: int
    n_users: int
    n_ratings: int
    n_events: int = 0
    unchanged: bool = False
    replaced: str | None = None
    n_users_new: int = 0
    n_movies_new: int = 0
    n_movies_changed: int = 0
    n_ratings_written: int = 0
    n_ratings_changed: int = 0  # of these, those that took the place of another
    n_seen_written: int = 0
    n_events_new: int = 0
    n_ratings_removed: int = 0
    changes: Sequence[Change] = ()  # of values of movies that the database had
    rejected: Rejected | None = None

    @classmethod
    def of(cls, release: Release) -> ImportSummary:
        """Count the content of a release."""
        users = set(map(str, release.ratings["user"].unique()))
        n_events = 0
        if release.events is not None:
            users.update(map(str, release.events["user"].unique()))
            n_events = len(release.events)
        return cls(
            release.name,
            release.notice,
            len(release.movies),
            len(users),
            len(release.ratings),
            n_events,
            rejected=release.rejected,
        )


def read_release(
    settings: Settings,
    source: str,
    mapping: Mapping | None = None,
    progress: Progress = ignore_progress,
    take: TakeRatings | None = None,
) -> Release:
    """Read a release by its name, or a data set by its path; `take` gets its ratings if given."""
    from data.movielens import load  # noqa: PLC0415 (it loads pandas, which takes a second)

    return load(
        source,
        datasets_dir=settings.datasets_dir,
        datasets_url=str(settings.datasets_url),
        progress=progress,
        mapping=mapping,
        like_threshold=settings.like_threshold,
        take=take,
    )


def plan_replacement(database: Database, release: Release, store: ModelStore) -> Replacement:
    """Find out what `replace` would do, without doing it."""
    with database.read() as connection:
        before = repository.imported_dataset(connection)
        return Replacement.of(connection, before, release, store)


def import_release(  # noqa: PLR0913 (each is needed)
    database: Database,
    release: Release,
    *,
    replace: bool = False,
    accept_titles: bool = False,
    rule: Rule = NO_RULE,
    store: ModelStore | None = None,
    now: datetime | None = None,
    by: str | None = None,
    progress: Progress = ignore_progress,
) -> ImportSummary:
    """Import a release: own data is added to what is there, a named one takes an empty place.

    With `replace` it takes the place of all that was imported before. Raises
    `DatasetConflictError` if a named release meets another one without `replace`, or if it
    describes movies otherwise than the database.
    """
    summary = ImportSummary.of(release)
    imported_at = (now or datetime.now(UTC)).replace(microsecond=0)
    appends = release.is_own and not replace
    if release.events is not None:  # before other writers wait for this transaction
        events = frames.with_event_ids(release.events)
        release = dataclasses.replace(release, events=events)
    with database.unit_of_work() as connection:
        repository.lock_imports(connection)
        before = repository.imported_dataset(connection)
        if not appends and _is_there(before, release, replace=replace):
            return dataclasses.replace(summary, unchanged=True)
        if before is not None:  # (checksum, moment) tell imports apart, also two of one second
            imported_at = max(imported_at, before.imported_at + timedelta(seconds=1))
        staging.begin(connection)
        if replace and before is not None:
            summary = _remove(connection, release, store, summary)
        update = MovieUpdate.of(connection, release.movies)
        _refuse_conflicts(connection, update, release, appends=appends, accept=accept_titles)
        update.write(connection, progress)
        writing = Writing(connection, release, int(imported_at.timestamp()), appends, progress)
        writing.write(rule)
        feedback.put_back(connection)
        summary = dataclasses.replace(
            _counted(summary, update, writing),
            n_users_new=repository.note_new_users(connection),
        )
        changes = _finish(connection, update) or writing.n_events_new > 0
        dataset = ImportedDataset(release.name, release.sha256, imported_at, release.is_public)
        if before is None or not appends:
            repository.add(connection, dataset)
        elif changes and before.is_public:  # the users of the file are not
            repository.add(connection, before._replace(is_public=False))
        summary = dataclasses.replace(summary, unchanged=not changes and appends)
        if not summary.unchanged:
            _record(connection, by, summary)
    return summary


def _record(connection: Connection, by: str | None, summary: ImportSummary) -> None:
    """Add the import to the audit log."""
    counts = {
        "ratings": summary.n_ratings_written,
        "removed_ratings": summary.n_ratings_removed,
        "events": summary.n_events_new,
        "new_movies": summary.n_movies_new,
    }
    detail: dict[str, Any] = {name: number for name, number in counts.items() if number}
    if summary.replaced is None:
        audit.record(connection, by, Action.DATA_IMPORTED, summary.name, **detail)
        return
    detail["before"] = summary.replaced
    audit.record(connection, by, Action.DATA_REPLACED, summary.name, **detail)


def _is_there(before: ImportedDataset | None, release: Release, *, replace: bool) -> bool:
    """Tell whether the database holds this release; raises where another one is in its place."""
    if before is None:
        return False
    is_same = (before.name, before.sha256) == (release.name, release.sha256)
    if is_same and not replace:
        return True
    if not replace:
        other = "another version of " if before.name == release.name else ""
        raise DatasetConflictError(
            f"the database holds {other}{before.name}, imported on "
            f"{before.imported_at:%Y-%m-%d}: import {release.name} in its place (--replace), or "
            "into another database"
        )
    # A public release to which files were added is public no more, so it is not the same.
    return is_same and not release.is_own and (before.is_public or not release.is_public)


def _remove(
    connection: Connection, release: Release, store: ModelStore | None, summary: ImportSummary
) -> ImportSummary:
    """Remove all that was imported, and a model whose movies are gone from service."""
    repository.lock_ratings(connection)
    before = repository.imported_dataset(connection)
    plan = Replacement.of(connection, before, release, store)
    feedback.set_aside(connection)
    n_removed = repository.remove_imported(connection)
    plan.apply(connection)
    replaced = before.name if before else None
    return dataclasses.replace(summary, replaced=replaced, n_ratings_removed=n_removed)


def _refuse_conflicts(
    connection: Connection, update: MovieUpdate, release: Release, *, appends: bool, accept: bool
) -> None:
    """Raise if the file describes movies otherwise than the database, as far as that matters."""
    for held, given in update.same_id:
        raise DatasetConflictError(
            f"the movies {shown(held)} and {shown(given)} cannot be in one database, since their "
            "keys have the same hash: give one of them another key"
        )
    if accept or not update.changes:
        return
    if appends:
        raise TitlesDifferError(update.changes)
    _refuse_other_movies(connection, update, release.name)


def _refuse_other_movies(connection: Connection, update: MovieUpdate, name: str) -> None:
    """Raise if the remaining ratings would become ratings of other movies."""
    rated = repository.rated_movies(connection)
    for held, given in update.others:
        if held["id"] in rated:
            n_ratings = repository.count_ratings(connection, held["id"])
            raise DatasetConflictError(
                f"movie {public_key(held['id'], held['key'])} is {_title(given)} in {name}, but "
                f"{_title(held)} in the database, and {n_ratings} ratings that stay refer to it: "
                "delete these, or import into another database"
            )


def _title(movie: movies.Row) -> str:
    return repr(movie["title"]) + (f" ({movie['year']})" if movie["year"] is not None else "")


def _counted(summary: ImportSummary, update: MovieUpdate, writing: Writing) -> ImportSummary:
    return dataclasses.replace(
        summary,
        n_movies_new=len(update.new),
        n_movies_changed=len(update.changed),
        changes=update.changes,
        n_ratings_written=writing.ratings.new + writing.ratings.changed,
        n_ratings_changed=writing.ratings.changed,
        n_seen_written=writing.seen.new + writing.seen.changed,
        n_events_new=writing.n_events_new,
    )


def _finish(connection: Connection, update: MovieUpdate) -> bool:
    """Record that movies and ratings have changed, if so; all other writers wait from here on."""
    movies_changed = bool(update.new or update.changed)
    ratings_changed = repository.has_changed_users(connection)
    if movies_changed:
        next_movies_revision(connection)
    if ratings_changed:
        repository.set_revision(connection, next_revision(connection))
    staging.end(connection)
    return movies_changed or ratings_changed

"""Settings and database of a subcommand, or one line saying why not."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.config import Settings
    from app.db.engine import Database


class SettingError(ValueError):
    """An environment variable is not a setting, or its value is not valid."""

    exit_code = 2  # as for an option that is wrong


class SchemaBehindError(RuntimeError):
    """The schema of the database is older than this version needs."""


class DatabaseAwayError(RuntimeError):
    """The database cannot be used at all."""


def read_settings() -> Settings:
    """Read the settings; a wrong one is refused by the name of its variable."""
    from pydantic import ValidationError

    from app.config import PREFIX, Settings

    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        what = first["msg"].removeprefix("Value error, ")
        if first["loc"]:
            what = f"{PREFIX}{str(first['loc'][0]).upper()}: {what}"
        raise SettingError(what) from None


def requester(what: str = "command line") -> str:
    """Name this process in what is recorded."""
    return f"{what} ({socket.gethostname()}:{os.getpid()})"


def limit_blas_threads(threads: int) -> None:
    """Let matrix products use so many threads, in this process and in those that it starts.

    NumPy reads the variable when it is loaded, and a process that has trained has loaded it.
    """
    os.environ["OPENBLAS_NUM_THREADS"] = str(threads)
    if "numpy" in sys.modules and find_spec("threadpoolctl"):
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        threadpool_limits(limits=threads, user_api="blas")


@contextmanager
def open_database(
    settings: Settings, *, migrate: bool = False, any_revision: bool = False
) -> Iterator[Database]:
    """Open the database; refuse a revision that this version cannot work with."""
    from app.db.engine import Database

    database = Database(settings.database_url)
    try:
        _prepare(database, migrate=migrate, any_revision=any_revision)
        yield database
    finally:
        database.dispose()


def _prepare(database: Database, *, migrate: bool, any_revision: bool) -> None:
    from sqlalchemy.exc import OperationalError

    from app.db.schema import current, head, is_behind, upgrade

    shown = database.url.render_as_string()  # without the password
    try:
        if migrate:
            upgrade(database)
            return
        found = current(database)
        if not any_revision and is_behind(database):
            state = f"is at revision {found}" if found else "has no tables yet"
            raise SchemaBehindError(
                f"the database {shown} {state}, this version needs revision {head()}: "
                "run `recommender db upgrade`"
            )
    except OperationalError as error:
        raise DatabaseAwayError(f"cannot use the database {shown}: {error.orig}") from error

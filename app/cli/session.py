"""Settings and database of a subcommand, or one line saying why not."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.failures import naming_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.config import Settings
    from app.db.engine import Database
    from app.store.folder import ModelStore


DATABASE = "db"  # a data set of this name is what the database holds


class SettingError(ValueError):
    """An environment variable is not a setting, or its value is not valid."""


class SchemaBehindError(RuntimeError):
    """The schema of the database is older than this version needs."""


class NoDatabaseError(RuntimeError):
    """There is no database at this address, or what is there is none."""


def read_settings(**options: Any) -> Settings:
    """Read the settings; an option that is given, and not None, replaces the variable.

    A wrong value is refused by the name of its option or variable.
    """
    from pydantic import ValidationError

    from app.config import PREFIX, Settings
    from data.rules import MAX_REASON_LENGTH, flaw

    given = {name: value for name, value in options.items() if value is not None}
    for name, value in os.environ.items():
        if name.startswith(PREFIX) and flaw(value, len(value)):
            raise SettingError(f"{name} {flaw(value, len(value))}")
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        what = first["msg"].removeprefix("Value error, ")[:MAX_REASON_LENGTH]
        if first["loc"]:
            name = str(first["loc"][0])
            what = f"{f'--{name}' if name in given else PREFIX + name.upper()}: {what}"
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
    settings: Settings, *, migrate: bool = False, any_revision: bool = False, creates: bool = False
) -> Iterator[Database]:
    """Open the database; refuse a revision that this version cannot work with.

    It must be there, unless the command `creates` or migrates it: a path that is mistyped makes no
    file. A failure of the database within the block is one that names it.
    """
    from app.db.engine import Database
    from app.db.schema import upgrade

    database = Database(settings.database_url)
    if is_missing(database) and not (migrate or creates):
        raise _no_database(database)
    try:
        with naming_database(database.url):
            if migrate:
                upgrade(database)
            elif not any_revision:
                refuse_behind(database)
            yield database
    finally:
        database.dispose()


def open_store(settings: Settings) -> ModelStore:
    """Return the store of the models; raises `RemoteError` if its address is wrong."""
    from app.store.remote import open_store

    return open_store(settings)


@contextmanager
def open_source(settings: Settings, source: str) -> Iterator[None]:
    """Refuse a database that cannot be used within the block, where it is the data set."""
    with open_database(settings) if source == DATABASE else nullcontext():
        yield


def refuse_missing(database: Database) -> None:
    """Raise `NoDatabaseError` where there is no file at the address of the database."""
    if is_missing(database):
        raise _no_database(database)


def _no_database(database: Database) -> NoDatabaseError:
    from app.config import PREFIX

    return NoDatabaseError(
        f"there is no database {database.url.database} ({PREFIX}DATABASE_URL): run "
        "`recommender db upgrade` to make one"
    )


def is_missing(database: Database) -> bool:
    """Tell whether there is no file yet at the address of the database."""
    path = _file(database)
    if path is None:
        return False
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError as error:
        raise NoDatabaseError(f"cannot use the database {path}: {error.strerror}") from None
    if not path.is_file():
        raise NoDatabaseError(f"cannot use the database {path}: it is no file")
    return False


def _file(database: Database) -> Path | None:
    path = database.url.database
    in_memory = not path or path == ":memory:" or path.startswith("file:")
    return Path(path) if database.is_sqlite and path and not in_memory else None


def refuse_behind(database: Database) -> None:
    """Raise `SchemaBehindError` where the schema is older than this version needs."""
    from app.db.schema import current, head, is_behind

    if is_behind(database):
        found = current(database)
        state = f"is at revision {found}" if found else "has no tables yet"
        raise SchemaBehindError(
            f"the database {database.url.render_as_string()} {state}, this version needs revision "
            f"{head()}: run `recommender db upgrade`"
        )

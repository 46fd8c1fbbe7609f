"""What every subcommand begins with: the settings and the database, or one line saying why not."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.config import Settings
    from app.db.engine import Database


class SettingError(ValueError):
    """An environment variable is no setting, or its value is not valid."""

    exit_code = 2  # as for an option that is wrong


class SchemaBehindError(RuntimeError):
    """The database lacks what this version needs."""


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


@contextmanager
def open_database(
    settings: Settings, *, migrate: bool = False, as_it_is: bool = False
) -> Iterator[Database]:
    """Open the database, at a revision that this version works with unless taken as it is."""
    from app.db.engine import Database

    database = Database(settings.database_url)
    try:
        _prepare(database, migrate=migrate, as_it_is=as_it_is)
        yield database
    finally:
        database.dispose()


def _prepare(database: Database, *, migrate: bool, as_it_is: bool) -> None:
    from sqlalchemy.exc import OperationalError

    from app.db.schema import current, head, is_behind, upgrade

    shown = database.url.render_as_string()  # without the password
    try:
        if migrate:
            upgrade(database)
            return
        found = current(database)
        if not as_it_is and is_behind(database):
            state = f"is at revision {found}" if found else "has no tables yet"
            raise SchemaBehindError(
                f"the database {shown} {state}, this version needs revision {head()}: "
                "run `recommender db upgrade`"
            )
    except OperationalError as error:
        raise DatabaseAwayError(f"cannot use the database {shown}: {error.orig}") from error

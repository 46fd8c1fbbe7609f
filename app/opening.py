"""What every subcommand begins with: the settings and the database, or one line saying why not."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError

from app.config import PREFIX, Settings
from app.database import Database


def read_settings() -> Settings:
    """Read the settings; a wrong one is refused by the name of its variable."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise typer.BadParameter(
            first["msg"].removeprefix("Value error, "), param_hint=name
        ) from None


@contextmanager
def open_database(settings: Settings, *, migrate: bool = False) -> Iterator[Database]:
    """Open the database, at the newest revision."""
    from app.migrating import is_behind, upgrade

    database = Database(settings.database_url)
    try:
        if migrate:
            upgrade(database)
        elif is_behind(database):
            raise RuntimeError(
                f"the database {database.url.render_as_string()} is not at the newest revision: "
                "run `recommender db upgrade`"
            )
        yield database
    finally:
        database.dispose()

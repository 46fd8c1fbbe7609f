"""Runs the migrations: on the connection that `app.db.schema` hands over, or by hand.

By hand is for development (``alembic revision --autogenerate``), on the database of the settings.
"""

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from app.config import Settings
from app.db.engine import Database
from app.db.tables import metadata


def run(connection: Connection) -> None:
    """Run them in the transaction that `connection` is in, so that it commits all or nothing."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,  # SQLite has it too, since our own BEGIN starts the transaction
    )
    context.run_migrations()


if context.is_offline_mode():
    raise CommandError("a migration reads the database that it changes: --sql is not possible")
given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = Database(Settings().database_url)
    with database.unit_of_work(alters_schema=True) as own:
        run(own)
    database.dispose()

"""`recommender db`."""

import typer

from app.cli import output
from app.cli.session import open_database, read_settings

db = typer.Typer(no_args_is_help=True, help="Make and upgrade the database.")


@db.command("upgrade")
def upgrade() -> None:
    """Bring the schema of the database up to date."""
    with open_database(read_settings(), migrate=True) as database:
        from app.db.schema import current

        output.say(f"The database is at revision {current(database)}.")

"""`recommender import`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import output
from app.cli.session import open_database, read_settings

if TYPE_CHECKING:
    from app.config import Settings
    from app.datasets.service import ImportSummary
    from app.db.engine import Database


def import_dataset(
    source: Annotated[
        str, typer.Argument(help="A MovieLens release, `sample`, or a path.", metavar="NAME|PATH")
    ],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the data set that the database holds.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before replacing.")] = False,
) -> None:
    """Import a data set, whole or not at all."""
    settings = read_settings()
    if replace and not yes:
        typer.confirm("Replace the data set in the database, its users and movies?", abort=True)
    with open_database(settings, migrate=True) as database:
        summary = import_stoppable(database, settings, source, replace=replace)
    output.show_import(summary)


def import_stoppable(
    database: Database, settings: Settings, source: str, *, replace: bool = False
) -> ImportSummary:
    """Import with progress bars; a signal ends it, and then it is said what is kept."""
    from app.cli import progress as bars
    from app.cli.interruption import stoppable
    from app.datasets.repository import imported_dataset
    from app.datasets.service import import_named

    archive = settings.datasets_dir / f"{source}.zip"
    with database.read() as connection:
        before, was_there = imported_dataset(connection), archive.exists()

    def kept() -> str:
        with database.read() as connection:
            done = imported_dataset(connection) != before
        what = "the import is complete" if done else "nothing is imported"
        return what if was_there or not archive.exists() else f"{what}, {archive} is kept"

    with stoppable(kept), bars.stages() as progress:
        return import_named(database, settings, source, replace=replace, progress=progress)

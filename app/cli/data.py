"""`recommender import`."""

from typing import Annotated

import typer

from app.cli import output
from app.cli.session import open_database, read_settings


def import_dataset(
    source: Annotated[
        str, typer.Argument(help="A MovieLens release, `sample`, or a path.", metavar="NAME|PATH")
    ],
    *,
    replace: Annotated[
        bool, typer.Option(help="Replace the data set that the database holds.")
    ] = False,
    yes: Annotated[bool, typer.Option(help="Do not ask before replacing.")] = False,
) -> None:
    """Import a data set, whole or not at all."""
    from app.cli import progress as bars
    from app.datasets.service import import_named

    settings = read_settings()
    if replace and not yes:
        typer.confirm("Replace the data set in the database, its users and movies?", abort=True)
    with open_database(settings, migrate=True) as database, bars.stages() as progress:
        summary = import_named(database, settings, source, replace=replace, progress=progress)
    output.show_import(summary)

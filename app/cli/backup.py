"""`recommender backup` and `recommender restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import output
from app.cli.session import open_database, read_settings

if TYPE_CHECKING:
    from app.backup.service import Summary


def backup(
    path: Annotated[Path, typer.Argument(help="A new file, or a folder.", metavar="PATH")],
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check a back-up that is there, and make none.")
    ] = False,
) -> None:
    """Write database and models into one file, while the service goes on.

    The file holds all ratings and the hashes of the API keys; only this account can read it.
    """
    from app.backup import service
    from app.cli import progress as bars

    if verify:
        summary = service.verify(path)
        done = "is whole"
    else:
        settings = read_settings()
        with open_database(settings, any_revision=True) as database, bars.stages() as progress:
            summary = service.back_up(database, settings.models_dir, path, progress=progress)
        done = "written"
    _show(summary, done)


def restore(
    path: Annotated[Path, typer.Argument(help="The file of a back-up.", metavar="PATH")],
    *,
    replace: Annotated[
        bool, typer.Option(help="Delete what the database holds, and put the back-up there.")
    ] = False,
    yes: Annotated[bool, typer.Option(help="Do not ask before replacing.")] = False,
) -> None:
    """Bring database and models back, whole or not at all; stop the service before.

    The back-up may come from the other kind of database, and from an older version.
    """
    from app.backup import service
    from app.cli import progress as bars

    settings = read_settings()
    if replace and not yes:
        typer.confirm("Delete everything in the database, for what the back-up holds?", abort=True)
    with open_database(settings, any_revision=True) as database, bars.stages() as progress:
        summary = service.restore(
            database, settings.models_dir, path, replace=replace, progress=progress
        )
    _show(summary, "restored")
    output.note(
        "API keys are as they were then: revoke again what was revoked since "
        "(recommender keys list). Users who were erased since are back: erase them again."
    )


def _show(summary: Summary, done: str) -> None:
    manifest = summary.manifest
    ratings = manifest.tables["ratings"].rows
    output.say(
        f"{summary.path} {done}: {ratings:,} ratings by {manifest.tables['users'].rows:,} users, "
        f"{len(manifest.models)} models, revision {manifest.revision}, "
        f"{summary.length / 2**20:,.1f} MiB, made {manifest.created_at}."
    )
    if manifest.missing_models:
        output.note(
            "Without the files of these models, which are damaged or missing: "
            f"{', '.join(manifest.missing_models)}."
        )

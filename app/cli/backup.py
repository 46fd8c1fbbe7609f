"""`recommender backup` and `recommender restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import output
from app.cli.failures import writing_to
from app.cli.interruption import stoppable
from app.cli.session import is_missing, open_database, read_settings, requester

if TYPE_CHECKING:
    from app.backup.erasures import Reapplied
    from app.backup.service import Summary
    from app.db.engine import Database


def backup(
    path: Annotated[Path, typer.Argument(help="A new file, or a folder.", metavar="PATH")],
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check a back-up that is there, and make none.")
    ] = False,
    only_erasures: Annotated[
        bool, typer.Option("--only-erasures", help="Write the list of erased users alone.")
    ] = False,
) -> None:
    """Write database and models into one file, while the service goes on.

    The file holds all ratings and the hashes of the API keys; only this account can read it. The
    list of erased users beside it keeps a restore from bringing them back.
    """
    from app.backup import erasures, service
    from app.cli import progress as bars

    if verify:
        _show(service.verify(path), "is whole")
        return
    settings = read_settings()
    with open_database(settings, any_revision=True) as database:
        if only_erasures:
            output.say(f"{erasures.write(database, path)} is up to date.")
            return
        before = _files(path)
        with stoppable(lambda: _written(_files(path) - before)), bars.stages() as progress:
            summary = service.back_up(database, settings.models_dir, path, progress=progress)
    _show(summary, "written")


def restore(
    path: Annotated[Path, typer.Argument(help="The file of a back-up.", metavar="PATH")],
    *,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Delete what the database holds, and put the back-up there."
        ),
    ] = False,
    erasures: Annotated[
        Path | None,
        typer.Option(help="A list of erased users, beside that of the folder of the back-up."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before replacing.")] = False,
) -> None:
    """Bring database and models back, whole or not at all; stop the service before.

    The back-up may come from the other kind of database, and from an older version. Users who were
    erased since it was made are erased again.
    """
    from app.backup import service
    from app.cli import progress as bars

    settings = read_settings()
    if replace and not yes:
        typer.confirm("Delete everything in the database, for what the back-up holds?", abort=True)
    with open_database(settings, any_revision=True, creates=True) as database:
        before = _revision(database)

        def kept() -> str:
            as_before = _revision(database) == before
            return "the database is as it was" if as_before else "the restore is complete"

        with (
            writing_to(settings.models_dir),
            stoppable(kept),
            bars.stages() as progress,
        ):
            summary = service.restore(
                database,
                settings.models_dir,
                path,
                replace=replace,
                erasure_list=erasures,
                by=requester(),
                progress=progress,
            )
    _show(summary, "restored")
    output.note(
        "API keys are as they were then: revoke again what was revoked since "
        "(recommender keys list)."
    )
    if summary.reapplied:
        _show_erasures(summary.reapplied, summary.manifest.created_at)


def _files(path: Path) -> set[Path]:
    """Return the back-ups that there are: in a folder, or the file itself."""
    if path.is_dir():
        return set(path.glob("*.tar"))
    return {path} if path.exists() else set()


def _written(files: set[Path]) -> str:
    return "".join(f"the back-up {file} is whole" for file in files) or "no back-up is written"


def _revision(database: Database) -> int | None:
    """Return the revision of the ratings, which a restore raises; None without tables."""
    from sqlalchemy import select

    from app.db.schema import current_of
    from app.db.tables import installation

    if is_missing(database):
        return None
    with database.read() as connection:
        if current_of(connection) is None:
            return None
        return connection.execute(select(installation.c.ratings_revision)).scalar_one()


def _show_erasures(again: Reapplied, since: str) -> None:
    if again.known_until is None:
        output.warn(
            "NO LIST OF ERASED USERS is at hand, neither beside the back-up nor in --erasures: "
            f"users who were erased since {since} are back. Erase them again."
        )
        return
    until = again.known_until.isoformat(timespec="seconds")
    output.say(
        f"{len(again.erased)} users of the back-up were erased again. Erasures are known until "
        f"{until}: erase again who was erased later."
    )
    if again.n_without_hash:
        output.warn(
            f"{again.n_without_hash} users were erased since {since} by an earlier version, which "
            "kept no hash of them: they may be back. Erase them again."
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

"""`recommender backup` and `recommender restore`."""

from __future__ import annotations

import logging.config
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import output
from app.cli.failures import writing_to
from app.cli.interruption import stoppable
from app.cli.intervals import seconds
from app.cli.session import is_missing, open_database, open_store, read_settings, requester

if TYPE_CHECKING:
    from app.backup.erasures import Reapplied
    from app.backup.job import Plan, Write
    from app.backup.retention import Keep
    from app.backup.service import Summary
    from app.core.remote import RemoteFolder
    from app.db.engine import Database

# How many back-ups --every keeps, and the most that can be asked for.
KEPT, MOST = 14, 10_000


class BackupTargetError(ValueError):
    """A back-up cannot be made there."""


def backup(
    path: Annotated[str, typer.Argument(help="A new file, or a folder.", metavar="PATH")],
    *,
    every: Annotated[
        str | None,
        typer.Option(help="Repeat for ever: 90s, 30m, 6h or 1d from one to the next."),
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST,
            help="Remove all but so many of those made with --every, --keep or --copy.",
            show_default="14 with --every, else all",
        ),
    ] = None,
    keep_weekly: Annotated[
        int, typer.Option(min=0, max=MOST, help="Keep also the last of each of so many weeks.")
    ] = 0,
    keep_monthly: Annotated[
        int, typer.Option(min=0, max=MOST, help="Keep also the last of each of so many months.")
    ] = 0,
    copy: Annotated[
        str | None,
        typer.Option(help="A second place: `s3://bucket/path`, or a folder.", metavar="URL"),
    ] = None,
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

    With --every, --keep or --copy it is read again, copied and recorded; metrics tell its age.
    """
    from app.backup.retention import Keep

    copy = copy or None  # `--copy=${VARIABLE:-}` in a compose file
    if verify:
        _verify(path)
        return
    if "://" in path:
        raise BackupTargetError(f"{path}: a back-up is made in a folder; --copy takes it elsewhere")
    if keep is None and every is not None:
        keep = KEPT
    if (keep_weekly or keep_monthly) and keep is None:
        raise typer.BadParameter("needs --keep", param_hint="--keep-weekly, --keep-monthly")
    kept = Keep(keep, keep_weekly, keep_monthly)
    if only_erasures:
        _list_erasures(Path(path), copy)
    elif every is None and keep is None and copy is None:
        _back_up(Path(path))
    else:
        _keep(Path(path), kept, copy, every)


def restore(
    path: Annotated[
        str, typer.Argument(help="The file of a back-up, or its address.", metavar="PATH|URL")
    ],
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
    from app.backup import copies, service
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
            copies.at_hand(path, settings.models_dir) as file,
            bars.stages() as progress,
        ):
            summary = service.restore(
                database,
                open_store(settings),
                file,
                replace=replace,
                erasure_list=erasures,
                by=requester(),
                progress=progress,
            )
    _show(summary, "restored", path)
    output.note(
        "API keys are as they were then: revoke again what was revoked since "
        "(recommender keys list)."
    )
    if summary.reapplied:
        _show_erasures(summary.reapplied, summary.manifest.created_at)


def _back_up(path: Path) -> None:
    from app.backup import service
    from app.cli import progress as bars

    settings = read_settings()
    with open_database(settings, any_revision=True) as database:
        before = _files(path)
        with stoppable(lambda: _written(_files(path) - before)), bars.stages() as progress:
            summary = service.back_up(database, open_store(settings), path, progress=progress)
    _show(summary, "written")


def _keep(folder: Path, keep: Keep, copy: str | None, every: str | None) -> None:
    """Make back-ups that are copied, recorded and removed when they are old."""
    from app.backup.job import Plan
    from app.backup.schedule import Schedule
    from app.backup.service import back_up
    from app.core.logging import log_config

    if not folder.is_dir():
        raise BackupTargetError(f"{folder} is no folder: --every, --keep and --copy need one")
    interval = None if every is None else timedelta(seconds=seconds(every))
    settings = read_settings()
    plan = Plan(folder, keep, _second_place(folder, copy), interval)
    with open_database(settings) as database:
        write = partial(back_up, database, open_store(settings))
        if interval is None:
            _keep_one(database, plan, write)
        else:
            logging.config.dictConfig(log_config(settings))
            Schedule(database, plan, interval, write).run()


def _keep_one(database: Database, plan: Plan, write: Write) -> None:
    from app.backup.job import carry_out
    from app.core.remote import RemoteError

    before = _files(plan.folder)

    def kept() -> str:
        return _written(_files(plan.folder) - before)

    with stoppable(kept):
        try:
            summary = carry_out(database, plan, write)
        except RemoteError:
            output.note(f"{kept()}, but not copied")
            raise
    _show(summary, "written" if plan.copy is None else "written and copied")


def _second_place(folder: Path, copy: str | None) -> RemoteFolder | None:
    from app.core.remote import RemoteFolder

    if copy is None:
        return None
    here = f"file://{folder.resolve()}"
    url = copy if "://" in copy else f"file://{Path(copy).resolve()}"
    if url.rstrip("/") == here:
        raise BackupTargetError(f"--copy {copy} is the folder of the back-ups itself")
    return RemoteFolder(url)


def _list_erasures(folder: Path, copy: str | None) -> None:
    from app.backup import erasures

    with open_database(read_settings(), any_revision=True) as database:
        path = erasures.write(database, folder)
    remote = _second_place(folder, copy)
    if remote is not None:
        erasures.copy(path, remote)
    output.say(f"{path} is up to date.")


def _verify(address: str) -> None:
    from app.backup import copies, service

    folder = read_settings().models_dir
    with copies.at_hand(address, folder) as path:
        _show(service.verify(path), "is whole", address)


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


def _show(summary: Summary, done: str, address: str = "") -> None:
    from app.core.remote import shown

    manifest, path = summary.manifest, shown(address) if "://" in address else summary.path
    ratings = manifest.tables["ratings"].rows
    output.say(
        f"{path} {done}: {ratings:,} ratings by {manifest.tables['users'].rows:,} users, "
        f"{len(manifest.models)} models, revision {manifest.revision}, "
        f"{summary.length / 2**20:,.1f} MiB, made {manifest.created_at}."
    )
    if manifest.missing_models:
        output.note(
            "Without the files of these models, which are damaged or missing: "
            f"{', '.join(manifest.missing_models)}."
        )

"""`recommender export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from app.cli import output
from app.cli.failures import CannotWriteError
from app.cli.files import check_folder
from app.cli.nightly import (
    Wanted,
    export_lists,
    export_lists_by_dask,
    export_lists_into_table,
)
from app.cli.session import open_database, read_settings
from app.datasets.contents import Content, Format

STANDARD_OUTPUT = Path("-")
OF_LISTS = "Recommendations"
LISTED = 20


def export(  # noqa: PLR0913 (one for each option)
    content: Annotated[Content, typer.Argument(help="What to export.")],
    folder: Annotated[
        str | None,
        typer.Argument(help="With --dask: a new folder, or an address such as `s3://bucket/x`."),
    ] = None,
    *,
    path: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="A new file, or `-`, standard output."),
    ] = STANDARD_OUTPUT,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format", help="How to write it.", show_default="by the suffix of FILE, else csv"
        ),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, max=100, help="Movies per list.", rich_help_panel=OF_LISTS)
    ] = LISTED,
    scenario: Annotated[
        str | None, typer.Option(help="As in the API.", rich_help_panel=OF_LISTS)
    ] = None,
    changed_since: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="REVISION",
            help="Only users whose ratings changed after this revision, which a run says at its "
            "end.",
            rich_help_panel=OF_LISTS,
        ),
    ] = None,
    into_table: Annotated[
        bool,
        typer.Option(
            "--into-table",
            help="Replace the lists in the table nightly_lists of the database; no file.",
            rich_help_panel=OF_LISTS,
        ),
    ] = False,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Dask's scheduler, `tcp://host:8786` or `tls://…`; or `local:4`, four processes "
            "here.",
            rich_help_panel=OF_LISTS,
        ),
    ] = None,
    shards: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="With --dask: what `partition` wrote, by default the database's users.",
            rich_help_panel=OF_LISTS,
        ),
    ] = None,
) -> None:
    """Write ratings, movies, users or events to a file that `import` reads; or other contents.

    Ratings are opinions that users gave; what events imply follows from the events. The file is
    complete or not there; databases with the same content give the same file.

    `recommendations` are the lists of all users, as the API gives them. A run that was stopped is
    gone on with by the same command.

    With `--dask`, workers make them: a Parquet file for a part of the users, each whole or not
    there.
    """
    if dask is not None:
        _refuse(content is not Content.RECOMMENDATIONS, "--dask", "is for recommendations")
        _refuse(path != STANDARD_OUTPUT or format_ or into_table, "--dask", "writes a FOLDER")
        _refuse(changed_since is not None, "--changed-since", "is not for --dask")
        _refuse(folder is None, "--dask", "needs a FOLDER")
        export_lists_by_dask(Wanted(top, scenario, -1), str(folder), shards, dask)
        return
    _refuse(folder is not None, "FOLDER", "is for --dask")
    _refuse(shards is not None, "--shards", "is for --dask")
    if content is Content.RECOMMENDATIONS:
        wanted = Wanted(top, scenario, -1 if changed_since is None else changed_since)
        if into_table:
            _refuse(path != STANDARD_OUTPUT or format_, "--into-table", "writes no file")
            export_lists_into_table(wanted)
            return
        check_folder(path)
        how = format_ or _format_of(path)
        export_lists(wanted, None if path == STANDARD_OUTPUT else path, how)
        return
    given = {"top": top != LISTED, "scenario": scenario, "into-table": into_table}
    given["changed-since"] = changed_since is not None
    for name, is_given in given.items():
        _refuse(is_given, f"--{name}", "is for recommendations")
    check_folder(path)
    _export_rows(content, path, format_ or _format_of(path))


def _export_rows(content: Content, path: Path, how: Format) -> None:
    from app.cli import progress as bars
    from app.cli.interruption import stoppable
    from app.datasets.encoding import writer
    from app.datasets.export import TABLES, rows

    n_rows = 0
    with (
        open_database(read_settings()) as database,
        stoppable(lambda: "nothing is kept"),
        _file(path) as file,
        bars.lines() as report,
        database.read() as connection,
        writer(file, how, TABLES[content].columns) as write,
    ):
        for chunk in rows(connection, content):
            write(chunk)
            n_rows += len(chunk)
            report(content, n_rows, None)
    if path != STANDARD_OUTPUT:
        what = "audit records" if content is Content.AUDIT else content
        output.say(f"{n_rows:,} {what} are in {path}.")


def _refuse(is_so: object, option: str, reason: str) -> None:
    if is_so:
        raise typer.BadParameter(reason, param_hint=option)


def _format_of(path: Path) -> Format:
    suffix = path.suffix.lower().lstrip(".")
    if path == STANDARD_OUTPUT:
        return Format.CSV
    if suffix not in list(Format):
        raise typer.BadParameter(
            f"the suffix of {path.name} is none of {', '.join(Format)}", param_hint="--format"
        )
    return Format(suffix)


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears whole or not at all."""
    from data.durable import whole_file

    if path == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with whole_file(path) as file:
            yield file
    except OSError as error:
        raise CannotWriteError(f"cannot write {path}: {error.strerror}") from error

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
from app.cli.session import open_database, read_settings
from app.datasets.contents import Content, Format

STANDARD_OUTPUT = Path("-")


def export(
    content: Annotated[Content, typer.Argument(help="What to export.")],
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
) -> None:
    """Write ratings, movies, users or events into one file, which `import` reads.

    Ratings are opinions that users gave; what events imply follows from the events. The file is
    complete or not there; databases with the same content give the same file.
    """
    from app.cli import progress as bars
    from app.cli.interruption import stoppable
    from app.datasets.encoding import writer
    from app.datasets.export import TABLES, rows

    check_folder(path)
    how = format_ or _format_of(path)
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
        output.say(f"{n_rows:,} {content} are in {path}.")


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

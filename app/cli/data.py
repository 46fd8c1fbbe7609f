"""`recommender import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import output
from app.cli.session import open_database, open_store, read_settings, requester

if TYPE_CHECKING:
    from app.config import Settings
    from app.datasets.service import ImportSummary
    from app.db.engine import Database
    from data.mapping import Mapping
    from data.release import Release

HOW_TO_READ = "How to read a file of your own"
HELP = """Import a data set, whole or not at all.

A **release** of MovieLens, by its name, or the bundled `sample` takes an empty database. Data of
**your own** is a folder, a file (CSV, Parquet, JSON Lines) or `-`, standard input. It is added to
what is there: new users, movies, ratings and events. Of two ratings of the same movie by the same
user the later one counts, so importing a file again changes nothing. The model stays active.

    recommender import ml-latest-small
    recommender import day2.csv
    recommender import log.csv --map user=customer,movie=sku,rating=score,timestamp=at
        --scale 0:10 --like-from 7 --delimiter ';' --latest-wins --skip-bad 1%
    recommender import clicks.jsonl --kind clicked
    zcat log.csv.gz | recommender import - --format csv
"""


def import_dataset(  # noqa: PLR0913 (one for each option)
    source: Annotated[
        str, typer.Argument(help="A release, `sample`, a path, or `-`.", metavar="SOURCE")
    ],
    *,
    columns: Annotated[
        str | None,
        typer.Option(
            "--map",
            metavar="ROLE=COLUMN,…",
            help="The columns: user, movie, rating, liked, timestamp, kind, value, event_id; "
            "title, year, genres, imdb_id, tmdb_id. Other columns of a log are ignored then.",
            rich_help_panel=HOW_TO_READ,
        ),
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="The same as a TOML file; options win over it.", rich_help_panel=HOW_TO_READ
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="LO:HI", help="The worst and the best rating.", rich_help_panel=HOW_TO_READ
        ),
    ] = None,
    like_from: Annotated[
        float | None,
        typer.Option(
            help="The lowest rating, on its scale, that is a like.", rich_help_panel=HOW_TO_READ
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(help="Of a CSV: `;`, `tab`, …", rich_help_panel=HOW_TO_READ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", help="`csv`, `parquet` or `jsonl`.", rich_help_panel=HOW_TO_READ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="What every row is: rated, liked, disliked, seen, hidden, clicked, purchased or "
            "watched.",
            rich_help_panel=HOW_TO_READ,
        ),
    ] = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            metavar="OWN=KIND,…",
            help="What your own kinds mean: one of these, or `ignored`.",
            rich_help_panel=HOW_TO_READ,
        ),
    ] = None,
    movies_only: Annotated[
        bool,
        typer.Option("--movies-only", help="The file is a catalogue.", rich_help_panel=HOW_TO_READ),
    ] = False,
    attributes: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN,…",
            help="The further columns of a catalogue to keep; by default all.",
            rich_help_panel=HOW_TO_READ,
        ),
    ] = None,
    latest_wins: Annotated[
        bool,
        typer.Option(
            "--latest-wins",
            help="Take the latest of several ratings of a user and movie; else they are an error.",
            rich_help_panel=HOW_TO_READ,
        ),
    ] = False,
    skip_bad: Annotated[
        str | None,
        typer.Option(
            metavar="N|SHARE",
            help="Skip so many bad rows, such as `1%`; with more of them nothing is imported.",
            rich_help_panel=HOW_TO_READ,
        ),
    ] = None,
    bad_rows: Annotated[
        Path | None,
        typer.Option(help="Where to write the bad rows.", rich_help_panel=HOW_TO_READ),
    ] = None,
    accept_titles: Annotated[
        bool,
        typer.Option(
            "--accept-titles",
            help="Change titles, years, genres and attributes to those of the file.",
        ),
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Remove what was imported before; says first what that does."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before replacing.")] = False,
) -> None:
    """Import a data set; the help is `HELP`."""
    settings = read_settings()
    options = {
        "columns": columns, "scale": scale, "like_from": like_from, "delimiter": delimiter,
        "format": format_, "kind": kind, "kinds": kinds, "movies_only": movies_only or None,
        "latest_wins": latest_wins or None, "skip_bad": skip_bad, "bad_rows": bad_rows,
        "attributes": attributes,
    }  # fmt: skip
    how = _mapping(mapping, options)
    with open_database(settings, migrate=True) as database:
        summary = import_stoppable(
            database,
            settings,
            source,
            how,
            replace=replace,
            accept_titles=accept_titles,
            ask=not yes,
        )
    output.show_import(summary)


def import_stoppable(
    database: Database,
    settings: Settings,
    source: str,
    mapping: Mapping | None = None,
    *,
    replace: bool = False,
    accept_titles: bool = False,
    ask: bool = False,
) -> ImportSummary:
    """Import with progress bars; a signal ends it, and then it is said what is kept."""
    from sqlalchemy import event

    from app.cli import progress as bars
    from app.cli.interruption import stoppable
    from app.datasets import service
    from app.events.rule import Rule

    archive = settings.datasets_dir / f"{source}.zip"
    was_there = archive.exists()
    commits: list[Any] = []  # the import has one, at its end
    event.listen(database.engine, "commit", commits.append)

    def kept() -> str:
        what = "the import is complete" if commits else "nothing is imported"
        return what if was_there or not archive.exists() else f"{what}, {archive} is kept"

    with stoppable(kept):
        with bars.stages() as progress:
            release = service.read_release(settings, source, mapping, progress)
        if replace:
            _say_what_goes(database, settings, release, ask=ask)
        try:
            with bars.stages() as progress:
                return service.import_release(
                    database,
                    release,
                    replace=replace,
                    accept_titles=accept_titles,
                    rule=Rule.of(settings.event_rule),
                    store=open_store(settings),
                    by=requester(),
                    progress=progress,
                )
        except service.TitlesDifferError as error:
            output.show_changes(error.changes, output.note)
            raise


def _mapping(path: Path | None, options: dict[str, Any]) -> Mapping | None:
    if path is None and all(value is None for value in options.values()):
        return None
    from data.mapping import Mapping

    return (Mapping.from_toml(path) if path else Mapping()).with_options(**options)


def _say_what_goes(database: Database, settings: Settings, release: Release, *, ask: bool) -> None:
    """Say what a replacement does, and on a terminal ask for it."""
    from app.datasets.service import plan_replacement

    for line in plan_replacement(database, release, open_store(settings)).lines():
        output.say(line)
    if ask and output.out.is_terminal:
        typer.confirm("Go on?", abort=True)

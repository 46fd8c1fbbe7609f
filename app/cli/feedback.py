"""`recommender feedback report`: what came of the lists of the last days."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import output
from app.cli.session import open_database, read_settings

if TYPE_CHECKING:
    from app.feedback.schemas import FeedbackReport, FeedbackRow, Rate

feedback = typer.Typer(no_args_is_help=True, help="What was shown of lists, and what came of it.")


class Part(StrEnum):
    """What has a row of its own."""

    MODEL = "model"
    SCENARIO = "scenario"
    PLACE = "place"
    EXPERIMENT = "experiment"
    ARM = "arm"


@feedback.command()
def report(
    *,
    days: Annotated[int, typer.Option(min=1, max=3650, help="So many days up to now.")] = 28,
    by: Annotated[
        list[Part] | None,
        typer.Option(help="What has a row of its own; may be repeated.", show_default="all"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's JSON.")] = False,
) -> None:
    """Show click-through, conversion and dismissals, each with its 95 % interval."""
    from datetime import UTC, datetime, timedelta

    from app.feedback.service import FeedbackService
    from app.live.snapshot import CurrentSnapshot

    until = datetime.now(UTC)
    with open_database(read_settings()) as database:
        service = FeedbackService(database, CurrentSnapshot())
        found = service.report(
            until - timedelta(days=days), until, [part.value for part in by or ()]
        )
    if as_json:
        output.out.print_json(found.model_dump_json())
    else:
        _show(found)


def _show(found: FeedbackReport) -> None:
    """Show a table, a row for each combination; what no row has is left out."""
    from rich.box import SIMPLE
    from rich.markup import escape
    from rich.table import Table

    since, until = (f"{moment:%Y-%m-%d %H:%M}" for moment in (found.since, found.until))
    if not found.rows:
        output.say(f"There is no feedback from {since} to {until} UTC.")
        return
    parts = [name for name in found.by if any(getattr(row, name) for row in found.rows)]
    heads = ("users", "shown", "clicked %", "watched %", "dismissed %")
    title = f"Feedback from {since} to {until} UTC"
    table = Table(*parts, title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for row in found.rows:
        names = [escape(getattr(row, name) or "–") for name in parts]
        table.add_row(*names, f"{row.users:,}", f"{row.shown:,}", *_rates(row))
    output.out.print(table)
    output.say("Of what was shown, with 95 % intervals by users.")


def _rates(row: FeedbackRow) -> list[str]:
    return [_percent(rate) for rate in (row.click_through, row.conversion, row.dismissal)]


def _percent(rate: Rate | None) -> str:
    if rate is None:
        return "–"
    return f"{rate.share * 100:.1f} ({rate.low * 100:.1f}–{rate.high * 100:.1f})"

"""`recommender experiments`: look at experiments and at how their arms do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from app.cli import output
from app.cli.session import open_database, read_settings

if TYPE_CHECKING:
    from app.experiments.schemas import ArmFigures, Bounds, ExperimentDetail, ExperimentReport

experiments = typer.Typer(
    no_args_is_help=True, help="Look at experiments and at how their arms do."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
MISMATCH = (
    "The users are divided otherwise than the shares say, more than chance explains: lists or "
    "feedback of an arm get lost, and the comparison cannot be trusted."
)


@experiments.command("list")
def show_list(*, as_json: AsJson = False) -> None:
    """List all experiments, the latest first."""
    from app.experiments.service import ExperimentService

    settings = read_settings()
    with open_database(settings) as database:
        listed = ExperimentService(database, settings).all()
    if as_json:
        output.out.print_json(json.dumps([each.model_dump(mode="json") for each in listed]))
    elif listed:
        output.out.print(_table(listed))
    else:
        output.say("There are no experiments.")


@experiments.command("report")
def show_report(
    name: Annotated[str, typer.Argument(help="Name of an experiment.", metavar="NAME")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show how the arms of an experiment do; look as often as you like.

    An arm is better or worse once its interval leaves 0 out: with probability 1 - alpha no arm is
    ever said to be that without reason.
    """
    from app.experiments.service import ExperimentService

    settings = read_settings()
    with open_database(settings) as database:
        report = ExperimentService(database, settings).report(name)
    if as_json:
        output.out.print_json(report.model_dump_json())
        return
    output.out.print(_figures(report))
    if report.mismatch:
        output.warn(MISMATCH)


def _table(listed: list[ExperimentDetail]) -> Table:
    table = Table(
        Column("experiment", no_wrap=True), "state", "requests of", "arms", "begun", "won"
    )
    for each in listed:
        arms = ", ".join(arm.name for arm in each.definition.arms)
        scenario = each.definition.scenario or "no scenario"
        row = (
            each.name,
            each.state,
            scenario,
            arms,
            f"{each.begun_at:%Y-%m-%d}",
            each.winner or "",
        )
        table.add_row(*map(escape, row))
    return table


def _figures(report: ExperimentReport) -> Table:
    experiment, metric = report.experiment, report.experiment.definition.metric
    title = f"{experiment.name}: users who {metric} within {experiment.definition.days} days"
    table = Table("arm", "users", "waiting", metric, "rate", "difference", "", title=escape(title))
    for arm in report.arms:
        table.add_row(*map(escape, _row(arm)))
    return table


def _row(arm: ArmFigures) -> tuple[str, ...]:
    rate = "—" if arm.rate is None else f"{arm.rate:.2%}{_around(arm.rate_interval)}"
    difference = "" if arm.difference is None else f"{arm.difference:+.2%}{_around(arm.interval)}"
    counts = (f"{arm.users:,}", f"{arm.waiting:,}", f"{arm.successes:,}")
    since = f" since {arm.decided_at:%Y-%m-%d}" if arm.decided_at else ""
    verdict = "control" if arm.verdict is None else arm.verdict + since
    return (arm.name, *counts, rate, difference, verdict)


def _around(interval: Bounds | None) -> str:
    return "" if interval is None else f" ({interval.low:.2%} to {interval.high:.2%})"

"""`recommender evaluate`."""

from __future__ import annotations

import json
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import evaluation_tables, files
from app.cli.interruption import stoppable
from app.cli.session import open_database, open_source, read_settings

if TYPE_CHECKING:
    from app.config import Settings


class Protocol(StrEnum):
    """How users and ratings are held out."""

    STRONG = "strong"
    TEMPORAL = "temporal"
    WINDOWS = "windows"


def evaluate(
    source: Annotated[
        str | None,
        typer.Argument(help="A release, a path, or `db` for the database.", metavar="NAME|PATH|db"),
    ] = None,
    *,
    version: Annotated[
        str | None, typer.Option("--model", help="Judge a published model on its gate users.")
    ] = None,
    protocol: Annotated[
        Protocol,
        typer.Option(help="Split by users, by date once, or into rolling windows by date."),
    ] = Protocol.STRONG,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Number of splits.")] = 1,
    models: Annotated[
        str | None, typer.Option(help="Names, separated by commas.", show_default="all")
    ] = None,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Write every figure to this file.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a report card to this file.")] = None,
) -> None:
    """Compare the RBM with strong baselines on the same users, tuned on validation users."""
    if (source is None) == (version is None):
        raise typer.BadParameter("name a data set, or a model with --model")
    if version is not None and report is not None:
        raise typer.BadParameter("a published model has its report card: report.html in its folder")
    if protocol is Protocol.WINDOWS and (models is not None or report is not None or seeds > 1):
        raise typer.BadParameter("rolling windows have neither --models nor --report nor --seeds")
    names = _known(models)
    for path in (as_json, report):
        files.check_folder(path)
    settings = read_settings()
    with stoppable(lambda: "nothing is kept, the figures come at the end"):
        if version is not None:
            result = _judge_version(settings, version)
        elif protocol is Protocol.WINDOWS:
            result = _compare_windows(settings, str(source))
        else:
            result = _compare(settings, str(source), protocol, seeds, names, report)
    if as_json is not None:
        files.write(as_json, json.dumps(result, indent=2) + "\n")


def _known(models: str | None) -> list[str] | None:
    """Read the names of models, before a data set is read; None for all."""
    from model.candidates import NAMES

    names = models.split(",") if models else []
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise typer.BadParameter(
            f"there is no model {unknown[0]!r}; there are {', '.join(NAMES)}", param_hint="--models"
        )
    return names or None


def _judge_version(settings: Settings, version: str) -> dict[str, Any]:
    from app.evaluation.service import judge_version

    with open_database(settings) as database:
        result = judge_version(database, settings, version)
    evaluation_tables.show(result, f"Model {version} on its gate users")
    return result


def _compare_windows(settings: Settings, source: str) -> dict[str, Any]:
    from app.cli import progress as bars
    from app.evaluation.service import compare_windows

    with bars.stages() as progress:
        result = compare_windows(
            settings,
            source,
            progress=lambda _, done, total: progress("models fitted", done, total),
        )
    evaluation_tables.show(result, f"{result['dataset']['name']}, rolling windows by date")
    return result


def _compare(
    settings: Settings,
    source: str,
    protocol: Protocol,
    n_seeds: int,
    names: list[str] | None,
    report: Path | None,
) -> dict[str, Any]:
    from app.cli import progress as bars
    from app.evaluation.report import render
    from app.evaluation.report_data import comparison_report
    from app.evaluation.service import compare_models

    with open_source(settings, source), bars.stages() as progress:
        result, shown = compare_models(
            settings,
            source,
            protocol=protocol,
            n_seeds=n_seeds,
            names=names,
            progress=lambda _, done, total: progress("models fitted", done, total),
        )
    title = f"{result['dataset']['name']}, mean ± standard error over test users"
    evaluation_tables.show(result, title)
    if report is not None:
        result["command"] = "recommender " + shlex.join(sys.argv[1:])
        files.write(report, render({**comparison_report(result), **shown}))
    return result

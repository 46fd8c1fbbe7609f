"""The `recommender` command: each subcommand is a few lines over a service.

What a subcommand needs is imported when it runs: `serve` must not load pandas, and `--help` neither
web framework nor database.
"""

from __future__ import annotations

import gc
import json
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import output as console
from app.cli.backup import backup, restore
from app.cli.keys import keys
from app.cli.models import models
from app.cli.session import open_database as _database
from app.cli.session import read_settings as _settings
from app.cli.training import retrain, train, tune

if TYPE_CHECKING:
    from app.config import Settings
    from app.db.engine import Database

app = typer.Typer(
    name="recommender",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A movie recommender built on a Restricted Boltzmann Machine of likes and dislikes.",
    epilog="Settings come from `RECOMMENDER_*` environment variables: docs/configuration.md.",
)
db = typer.Typer(no_args_is_help=True, help="Make and upgrade the database.")
app.add_typer(db, name="db")
app.add_typer(models, name="models")
app.add_typer(keys, name="keys")
app.command()(train)
app.command()(retrain)
app.command()(tune)
app.command()(backup)
app.command()(restore)


class Protocol(StrEnum):
    """How users and ratings are held out."""

    STRONG = "strong"
    TEMPORAL = "temporal"


def main() -> None:
    """Run the command; a failure is one line on standard error and a non-zero exit."""
    try:
        app(prog_name="recommender")
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        console.err.print(f"recommender: {_one_line(error)}", markup=False, soft_wrap=True)
        sys.exit(getattr(error, "exit_code", 1))


@app.callback()
def options(
    *,
    debug: Annotated[bool, typer.Option(help="Show the traceback of a failure.")] = False,
) -> None:
    """Take the options that every subcommand has."""
    del debug  # read by main(), where the failure arrives


@app.command()
def demo(
    *,
    dataset: Annotated[
        str, typer.Option(help="Data set to import into an empty database.")
    ] = "ml-latest-small",
) -> None:
    """From nothing to a running service: make the database, import, train, serve.

    What is done already is skipped.
    """
    from app.cli import demo as steps
    from app.cli.server import listening_socket, serve_on
    from app.cli.startup_checks import guard_access

    settings = _settings()
    # Taken first: a port that is not free should not be found out after the training.
    with listening_socket(settings) as socket:
        with _database(settings, migrate=True) as database:
            guard_access(settings, database)
            examples = steps.prepare(database, settings, dataset)
        serve_on(socket, settings, examples)


@app.command()
def prepare(
    *,
    dataset: Annotated[
        str, typer.Option(help="Data set to import into an empty database.")
    ] = "ml-latest-small",
) -> None:
    """Make ready what `serve` needs: the database at the newest revision, data, a model.

    What is done already is skipped.
    """
    from app.cli import demo as steps

    settings = _settings()
    with _database(settings, migrate=True) as database:
        steps.prepare(database, settings, dataset)


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the schema of the database up to date."""
    with _database(_settings(), migrate=True) as database:
        from app.db.schema import current

        console.out.print(f"The database is at revision {current(database)}.")


@app.command("import")
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

    settings = _settings()
    if replace and not yes:
        typer.confirm("Replace the data set in the database, its users and movies?", abort=True)
    with _database(settings, migrate=True) as database, bars.stages() as progress:
        summary = import_named(database, settings, source, replace=replace, progress=progress)
    console.show_import(summary)


@app.command()
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
        Protocol, typer.Option(help="Split by people, or by date.")
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
    """Compare the RBM with strong baselines on the same people, tuned on validation users."""
    if (source is None) == (version is None):
        raise typer.BadParameter("name a data set, or a model with --model")
    if version is not None and report is not None:
        raise typer.BadParameter("a published model has its report card: report.html in its folder")
    settings = _settings()
    if version is not None:
        result = _judge_version(settings, version)
    else:
        names = models.split(",") if models else None
        result = _compare(settings, str(source), protocol, seeds, names, report)
    if as_json is not None:
        as_json.write_text(json.dumps(result, indent=2) + "\n")


def _judge_version(settings: Settings, version: str) -> dict[str, Any]:
    from app.evaluation.service import judge_version

    with _database(settings) as database:
        result = judge_version(database, settings, version)
    console.show_comparison(result["results"], f"Model {version} on its gate users")
    return result


def _compare(
    settings: Settings,
    source: str,
    protocol: Protocol,
    seeds: int,
    names: list[str] | None,
    report: Path | None,
) -> dict[str, Any]:
    from app.cli import progress as bars
    from app.evaluation.report_data import comparison_report
    from app.evaluation.service import compare_models
    from model.report import render

    with bars.stages() as progress:
        result, shown = compare_models(
            settings,
            source,
            protocol=protocol,
            n_seeds=seeds,
            names=names,
            progress=lambda _, done, total: progress("models fitted", done, total),
        )
    title = f"{result['dataset']['name']}, mean ± standard error over test users"
    console.show_comparison(result["results"], title)
    if report is not None:
        result["command"] = "recommender " + shlex.join(sys.argv[1:])
        report.write_text(render({**comparison_report(result), **shown}), encoding="utf-8")
    return result


@app.command()
def recommend(
    user: Annotated[str, typer.Argument(help="The user's key.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many movies.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's JSON.")] = False,
) -> None:
    """Show what the service recommends to somebody."""
    from app.live.model_reloader import ModelReloader
    from app.recommendations.options import RecommendationsQuery
    from app.recommendations.service import RecommendationService

    settings = _settings()
    with _database(settings) as database:
        served = ModelReloader(database, settings.models_dir, settings.like_threshold)
        served.follow()
        service = RecommendationService(database, served.current, settings.like_threshold)
        answer = service.recommend(user, RecommendationsQuery(limit=limit))
        console.show_recommendations(answer, _dataset_name(database), as_json=as_json)


@app.command()
def serve(
    *,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve a network although there is no API key.")
    ] = False,
) -> None:
    """Serve the API."""
    gc.disable()  # until it serves: what is loaded by then stays for good
    from app.cli.server import listening_socket, serve_on
    from app.cli.startup_checks import check_models_folder, guard_access

    settings = _settings()
    if insecure:
        settings = settings.model_copy(update={"insecure": True})
    with _database(settings) as database:
        guard_access(settings, database)
        check_models_folder(settings, database)
    with listening_socket(settings) as socket:
        serve_on(socket, settings)


def _dataset_name(database: Database) -> str | None:
    from app.datasets.repository import imported_dataset

    with database.read() as connection:
        dataset = imported_dataset(connection)
    return dataset.name if dataset else None


def _one_line(error: Exception) -> str:
    """Say what went wrong; of an error that nobody foresaw, also of what kind it is."""
    text = " ".join(str(error).split())
    foreseen = type(error).__module__.partition(".")[0] in {"app", "data", "model"}
    if foreseen or isinstance(error, OSError | RuntimeError):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text} (--debug shows where)"

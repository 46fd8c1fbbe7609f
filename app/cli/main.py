"""The `recommender` command, assembled from the files of its subcommands.

What a subcommand needs is imported when it runs: `serve` must not load pandas, and `--help` neither
web framework nor database.
"""

import signal
import sys
from typing import Annotated

import typer

from app.cli import failures, output
from app.cli.backup import backup, restore
from app.cli.check import check
from app.cli.data import HELP as IMPORT_HELP
from app.cli.data import import_dataset
from app.cli.database import db
from app.cli.demo import demo, prepare
from app.cli.evaluation import evaluate
from app.cli.experiments import experiments
from app.cli.export import export
from app.cli.feedback import feedback
from app.cli.keys import keys
from app.cli.models import models
from app.cli.partition import partition
from app.cli.query_options import QueryCommand
from app.cli.recommendations import recommend
from app.cli.serve import serve
from app.cli.training import retrain, train, tune
from app.cli.users import users

NAME = "recommender"
STOPPED = 128 + signal.SIGINT  # typer's exit code for Ctrl-C

app = typer.Typer(
    name=NAME,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A movie recommender built on a Restricted Boltzmann Machine of likes and dislikes.",
    epilog="Settings come from `RECOMMENDER_*` environment variables: docs/configuration.md.",
)
for subcommand in (train, retrain, tune, partition, backup, restore, demo, prepare, check):
    app.command()(subcommand)
app.command("import", help=IMPORT_HELP)(import_dataset)
app.command()(export)
app.command()(evaluate)
app.command(cls=QueryCommand)(recommend)
app.command()(serve)
app.add_typer(db, name="db")
app.add_typer(models, name="models")
app.add_typer(keys, name="keys")
app.add_typer(users, name="users")
app.add_typer(experiments, name="experiments")
app.add_typer(feedback, name="feedback")


def main() -> None:
    """Run the command; a failure is one line on standard error and a non-zero exit."""
    try:
        code = app(prog_name=NAME, standalone_mode=False)
    except typer.Abort:  # "no" to a question
        output.note(f"{NAME}: aborted, nothing is changed")
        sys.exit(failures.UNEXPECTED)
    except Exception as problem:
        if "--debug" in sys.argv:
            raise
        error = failures.explained(problem)
        line = failures.one_line(error)
        if line:  # a group of commands without one has shown its help
            output.note(f"{NAME}: {line}")
        sys.exit(failures.exit_code(error))
    if code == STOPPED:  # where nothing more can be said than that
        output.note(f"{NAME}: stopped by SIGINT")
    sys.exit(code)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 (typer passes it so)
    if wanted:
        from importlib.metadata import version

        output.say(f"{NAME} {version(NAME)}")
        raise typer.Exit


@app.callback()
def options(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a failure.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version."),
    ] = False,
) -> None:
    """Take the options that every subcommand has."""
    del debug, version  # main() reads the one, where the failure arrives

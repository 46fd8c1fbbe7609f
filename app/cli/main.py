"""The `recommender` command, assembled from the files of its subcommands.

What a subcommand needs is imported when it runs: `serve` must not load pandas, and `--help` neither
web framework nor database.
"""

import sys
from typing import Annotated

import typer

from app.cli import output
from app.cli.backup import backup, restore
from app.cli.data import import_dataset
from app.cli.database import db
from app.cli.demo import demo, prepare
from app.cli.evaluation import evaluate
from app.cli.keys import keys
from app.cli.models import models
from app.cli.recommendations import recommend
from app.cli.serve import serve
from app.cli.training import retrain, train, tune

app = typer.Typer(
    name="recommender",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A movie recommender built on a Restricted Boltzmann Machine of likes and dislikes.",
    epilog="Settings come from `RECOMMENDER_*` environment variables: docs/configuration.md.",
)
for subcommand in (train, retrain, tune, backup, restore, demo, prepare):
    app.command()(subcommand)
app.command("import")(import_dataset)
app.command()(evaluate)
app.command()(recommend)
app.command()(serve)
app.add_typer(db, name="db")
app.add_typer(models, name="models")
app.add_typer(keys, name="keys")


def main() -> None:
    """Run the command; a failure is one line on standard error and a non-zero exit."""
    try:
        app(prog_name="recommender")
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        output.note(f"recommender: {_one_line(error)}")
        sys.exit(getattr(error, "exit_code", 1))


@app.callback()
def options(
    *,
    debug: Annotated[bool, typer.Option(help="Show the traceback of a failure.")] = False,
) -> None:
    """Take the options that every subcommand has."""
    del debug  # read by main(), where the failure arrives


def _one_line(error: Exception) -> str:
    """Say what went wrong; of an unexpected error, also its type."""
    text = " ".join(str(error).split())
    expected = type(error).__module__.partition(".")[0] in {"app", "data", "model"}
    if expected or isinstance(error, OSError | RuntimeError):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text} (--debug shows where)"

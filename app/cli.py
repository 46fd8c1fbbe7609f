"""The `recommender` command: each subcommand is a few lines over a service.

What a subcommand needs is imported when it runs: `serve` must not load pandas, `--help` nothing.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from pydantic import ValidationError

from app import console
from app.config import PREFIX, Settings
from app.database import Database

app = typer.Typer(
    name="recommender",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="A movie recommender built on a Restricted Boltzmann Machine of likes and dislikes.",
    epilog=f"Settings come from `{PREFIX}*` environment variables: docs/configuration.md.",
)
db = typer.Typer(no_args_is_help=True, help="Make and upgrade the database.")
models = typer.Typer(no_args_is_help=True, help="Look at the published models.")
app.add_typer(db, name="db")
app.add_typer(models, name="models")


def main() -> None:
    """Run the command; a failure is one line on standard error and a non-zero exit."""
    try:
        app(prog_name="recommender")
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        console.err.print(f"recommender: {_one_line(error)}", markup=False, soft_wrap=True)
        sys.exit(1)


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
    from app import demo as steps
    from app.serving import listening_socket, serve_on

    settings = _settings()
    # Taken first: a port that is not free should not be found out after the training.
    with listening_socket(settings) as socket:
        with _database(settings, migrate=True) as database:
            examples = steps.prepare(database, settings, dataset)
        serve_on(socket, settings, examples)


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the schema of the database up to date."""
    with _database(_settings(), migrate=True) as database:
        from app.migrating import current

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
    from app.datasets.service import import_named

    settings = _settings()
    if replace and not yes:
        typer.confirm("Replace the data set in the database, its users and films?", abort=True)
    with _database(settings, migrate=True) as database, console.stages() as progress:
        summary = import_named(database, settings, source, replace=replace, progress=progress)
    console.show_import(summary)


@app.command()
def train(
    *,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the data.", show_default="by size")
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(min=1, help="Hidden units.", show_default="by size")
    ] = None,
) -> None:
    """Train on what is in the database, show how well it does, publish it."""
    from app.training.service import train_and_publish

    settings = _settings()
    with _database(settings) as database:
        with console.training() as on_epoch:
            result = train_and_publish(
                database,
                settings.models_dir,
                like_threshold=settings.like_threshold,
                changes={"n_epochs": epochs, "n_hidden": hidden},
                seed=seed,
                on_epoch=on_epoch,
            )
        console.show_result(result)


@models.command("list")
def models_list(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the published models, the newest first."""
    from app.models.service import list_models

    with _database(_settings()) as database:
        console.show_models(list_models(database), as_json=as_json)


@app.command()
def recommend(
    user: Annotated[str, typer.Argument(help="The user's key.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many films.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's JSON.")] = False,
) -> None:
    """Show what the service recommends to somebody."""
    from app.recommendations.model_server import ModelServer
    from app.recommendations.schemas import RecommendationsQuery
    from app.recommendations.service import RecommendationService

    settings = _settings()
    with _database(settings) as database:
        served = ModelServer(database, settings.models_dir, settings.like_threshold)
        served.refresh()
        service = RecommendationService(database, served, settings.like_threshold)
        answer = service.recommend(user, RecommendationsQuery(limit=limit))
        console.show_recommendations(answer, _dataset_name(database), as_json=as_json)


@app.command()
def serve() -> None:
    """Serve the API."""
    from app.serving import listening_socket, serve_on

    settings = _settings()
    with _database(settings):
        pass  # a schema that is behind is told here, not by the first request
    with listening_socket(settings) as socket:
        serve_on(socket, settings)


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else "settings"
        raise typer.BadParameter(
            first["msg"].removeprefix("Value error, "), param_hint=name
        ) from None


@contextmanager
def _database(settings: Settings, *, migrate: bool = False) -> Iterator[Database]:
    """Open the database, at the newest revision."""
    from app.migrating import is_behind, upgrade

    database = Database(settings.database_url)
    try:
        if migrate:
            upgrade(database)
        elif is_behind(database):
            raise RuntimeError(
                f"the database {database.url.render_as_string()} is not at the newest revision: "
                "run `recommender db upgrade`"
            )
        yield database
    finally:
        database.dispose()


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


if __name__ == "__main__":
    main()

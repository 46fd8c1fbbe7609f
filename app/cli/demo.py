"""`recommender demo` and `recommender prepare`: database, data, model, where they are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import output
from app.cli.serve import Port
from app.cli.session import limit_blas_threads, open_database, open_store, read_settings

if TYPE_CHECKING:
    from app.config import Settings
    from app.db.engine import Database

SAMPLE = "sample"
EXAMPLES = (
    'curl "{address}/recommendations/1?limit=20"',
    """curl -X PUT {address}/users/me/ratings/2959 --json '{{"liked": true}}'""",
    'curl "{address}/recommendations/me?limit=5"',
)

DatasetOption = Annotated[str, typer.Option(help="Data set to import into an empty database.")]


def demo(*, dataset: DatasetOption = "ml-latest-small", port: Port = None) -> None:
    """From nothing to a running service: make the database, import, train, serve.

    What is done already is skipped.
    """
    from app.cli.http_server import listening_socket, serve_on
    from app.cli.startup_checks import guard_access

    settings = read_settings(port=port)
    # Bound first: a port that is not free should not be found out after the training.
    with listening_socket(settings) as socket:
        with open_database(settings, migrate=True) as database:
            guard_access(settings, database)
            _prepare(database, settings, dataset)
        limit_blas_threads(settings.scoring_threads)
        serve_on(socket, settings, EXAMPLES)


def prepare(*, dataset: DatasetOption = "ml-latest-small") -> None:
    """Make ready what `serve` needs: the database at the newest revision, data, a model.

    What is done already is skipped.
    """
    settings = read_settings()
    with open_database(settings, migrate=True) as database:
        _prepare(database, settings, dataset)


def _prepare(database: Database, settings: Settings, dataset: str) -> None:
    """Import and train where there is no data or no model yet."""
    from app.datasets.repository import imported_dataset
    from app.registry.service import servable_version

    with database.read() as connection:
        imported = imported_dataset(connection)
    name = imported.name if imported else _import(database, settings, dataset)
    if name == SAMPLE:
        output.warn(
            "This is the bundled SAMPLE: real movies, but the ratings are invented by a generator. "
            "For real recommendations put ml-latest-small.zip from grouplens.org into "
            f"{settings.datasets_dir} and run `recommender import ml-latest-small --replace`, "
            "then `recommender train`."
        )
    version = servable_version(database, open_store(settings))
    if version is None:
        _train(database, settings)
    else:
        output.say(f"Data set {name} and model {version} are there already.")


def _import(database: Database, settings: Settings, dataset: str) -> str:
    """Import a data set, or the sample where it cannot be downloaded; return its name."""
    from app.cli.data import import_stoppable
    from data.release import DownloadError

    try:
        summary = import_stoppable(database, settings, dataset)
    except DownloadError as error:
        output.warn(f"{error}. The bundled sample takes its place.")
        summary = import_stoppable(database, settings, SAMPLE)
    output.show_import(summary)
    return summary.name


def _train(database: Database, settings: Settings) -> None:
    from app.cli import progress as bars
    from app.jobs.schemas import TrainingOptions
    from app.training.pipeline import train

    options = TrainingOptions(from_scratch=True, publish_anyway=True)
    with bars.training() as shown:
        result = train(database, settings, options, "demo", **shown._asdict())
    output.show_result(result)

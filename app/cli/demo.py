"""The first run: database, data, model; each step only where it is still to do."""

from app.cli import output as console
from app.config import Settings
from app.datasets.repository import imported_dataset
from app.datasets.service import import_named
from app.db.engine import Database
from app.registry.service import servable_version

SAMPLE = "sample"


def prepare(database: Database, settings: Settings, dataset: str) -> list[str]:
    """Import and train where there is no data or no model yet; return commands to try."""
    name = _imported(database) or _import(database, settings, dataset)
    if name == SAMPLE:
        console.warn(
            "This is the bundled SAMPLE: real movies, but the ratings are invented by a generator. "
            "For real recommendations put ml-latest-small.zip from grouplens.org into "
            f"{settings.datasets_dir} and run `recommender import ml-latest-small --replace`, "
            "then `recommender train`."
        )
    version = servable_version(database, settings.models_dir)
    if version is None:
        # Loaded when needed: a second start is to serve at once, not to load pandas.
        from app.cli import progress as bars
        from app.jobs.schemas import TrainingOptions
        from app.training.pipeline import train

        options = TrainingOptions(from_scratch=True, publish_anyway=True)
        with bars.training() as shown:
            result = train(database, settings, options, "demo", **shown._asdict())
        console.show_result(result)
    else:
        console.out.print(f"Data set {name} and model {version} are there already.")
    return [
        'curl "{address}/recommendations/1?limit=20"',
        """curl -X PUT {address}/users/me/ratings/2959 --json '{{"liked": true}}'""",
        'curl "{address}/recommendations/me?limit=5"',
    ]


def _imported(database: Database) -> str | None:
    with database.read() as connection:
        dataset = imported_dataset(connection)
    return dataset.name if dataset else None


def _import(database: Database, settings: Settings, dataset: str) -> str:
    from app.cli import progress as bars
    from data.release import DownloadError

    try:
        with bars.stages() as progress:
            summary = import_named(database, settings, dataset, progress=progress)
    except DownloadError as error:
        console.warn(f"{error}. The bundled sample takes its place.")
        with bars.stages() as progress:
            summary = import_named(database, settings, SAMPLE, progress=progress)
    console.show_import(summary)
    return summary.name

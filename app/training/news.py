"""Whether a warm retraining could learn anything that the active model does not know."""

from sqlalchemy import select

from app.config import Settings
from app.datasets.repository import imported_dataset
from app.db.engine import Database
from app.db.tables import installation
from app.jobs import repository as runs
from app.jobs.schemas import TrainingOptions
from app.training.warm_start import LoadedModel, load_active


def model_of_these_ratings(
    database: Database, settings: Settings, options: TrainingOptions
) -> str | None:
    """Return the active model where it was trained on the ratings as they are, with these options.

    None where a training may give another one: it begins elsewhere, or no such model can be read.
    """
    if options.from_scratch or options.start is not None:
        return None
    model = load_active(database, settings).model
    if model is None or not _is_current(database, model):
        return None
    return model.version if _has_options(model, options, settings.like_threshold) else None


def _is_current(database: Database, model: LoadedModel) -> bool:
    """Tell whether a training of this database has made it, and the ratings are the same since."""
    data, trained_on = model.card.get("data", {}), model.card.get("dataset", {})
    with database.read() as connection:
        salt, revision = connection.execute(
            select(installation.c.holdout_salt, installation.c.ratings_revision)
        ).one()
        dataset = imported_dataset(connection)
        made_here = runs.has_made(connection, model.version) and model.was_held_out_by(salt)
    return (
        made_here
        and data.get("ratings_revision") == revision
        and trained_on.get("sha256") == (dataset.sha256 if dataset else None)
    )


def _has_options(model: LoadedModel, options: TrainingOptions, like_threshold: float) -> bool:
    card, asked = model.card, options.hyper_parameters
    return (
        card.get("seed") == options.seed
        and card["data"].get("like_threshold") == like_threshold
        and asked.items() <= card.get("configuration", {}).items()
    )

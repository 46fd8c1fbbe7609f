"""The model of a warm start: the active one, the last one, or one that was named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.config import Settings
from app.db.engine import Database
from app.db.model_versions import active_version
from app.jobs import repository as runs
from app.jobs.errors import TrainingError
from app.jobs.schemas import TrainingOptions
from app.ratings.user_repository import erased_since
from app.registry import fit
from app.registry import repository as models
from app.store.remote import open_store
from model.artifact import ArtifactError
from model.rbm import RBM

if TYPE_CHECKING:
    from app.training.material import Origin

AS_REQUESTED = "as asked"
# Less than any revision of the ratings.
BEFORE_ALL = -1


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A recorded model with its card."""

    version: str
    rbm: RBM
    card: Mapping[str, Any]

    def was_held_out_by(self, salt: str) -> bool:
        """Tell whether the gate users of this database were held out of its training."""
        return bool(self.card.get("holdout", {}).get("salt") == salt)


@dataclass(frozen=True, slots=True, eq=False)
class ActiveModel:
    """The model that is served: None where there is none, or its files are damaged."""

    generation: int  # changes whenever a model is activated
    version: str | None
    model: LoadedModel | None


@dataclass(frozen=True, slots=True, eq=False)
class WarmStart:
    """The model to begin with; without one, `why_scratch` says why."""

    model: LoadedModel | None
    why_scratch: str | None

    @property
    def note(self) -> str | None:
        """What was not requested, in words."""
        if self.model:
            return f"Warm start with model {self.model.version}."
        return None if self.why_scratch == AS_REQUESTED else f"From scratch: {self.why_scratch}."

    def as_json(self) -> dict[str, str | None]:
        """Give it for the card and the run."""
        return {
            "start": self.model.version if self.model else None,
            "why_scratch": self.why_scratch,
        }


def load_active(
    database: Database, settings: Settings, *, or_previous: bool = False
) -> ActiveModel:
    """Read the model that is served now, or the last one that was, since a replacement."""
    with database.read() as connection:
        active = active_version(connection)
    version = active.version or (active.previous if or_previous else None)
    if version is None:
        return ActiveModel(active.generation, None, None)
    try:
        model = _load(database, settings, version)
    except ArtifactError:
        model = None
    return ActiveModel(active.generation, version, model)


def choose_warm_start(
    database: Database, settings: Settings, options: TrainingOptions, snapshot: Origin
) -> WarmStart:
    """Choose the model to begin with; raises `TrainingError` where the named one is not fit."""
    if options.from_scratch:
        return WarmStart(None, AS_REQUESTED)
    if options.start is not None:
        named = _load(database, settings, options.start)
        other = _other_shape(named, options)
        problem = _danger(database, named, snapshot) or (other and f"it has {other}")
        if problem:
            raise TrainingError(f"cannot begin with model {named.version}: {problem}")
        return WarmStart(named, None)
    last = load_active(database, settings, or_previous=True)
    if last.model is None:
        what = f"model {last.version} is damaged" if last.version else "no model is active"
        return WarmStart(None, what)
    problem = _danger(database, last.model, snapshot) or _difference(
        last.model, options, snapshot, settings.like_threshold
    )
    return WarmStart(None, problem) if problem else WarmStart(last.model, None)


def _load(database: Database, settings: Settings, version: str) -> LoadedModel:
    """Read a model; raises `ModelNotFoundError` and `ArtifactError`."""
    with database.read() as connection:
        sha256 = models.get(connection, version).sha256
    loaded = open_store(settings).load(version, sha256)
    return LoadedModel(version, loaded.rbm, loaded.card)


def _danger(database: Database, model: LoadedModel, snapshot: Origin) -> str | None:
    """Return why the weights of a model must not be used, if so."""
    if not model.was_held_out_by(snapshot.holdout_salt):
        return "it was trained on another database, maybe on the users that models are judged by"
    with database.read() as connection:
        if runs.has_made(connection, model.version):
            if erased_since(connection, model.card["data"]["ratings_revision"]):
                return "a user was erased since it was trained, whose ratings its weights may hold"
        # A copy of this database has the same salt, and counts changes by itself.
        elif erased_since(connection, BEFORE_ALL):
            return "it was trained on a copy of this database, maybe on a user erased here"
    return None


def _difference(
    model: LoadedModel, options: TrainingOptions, snapshot: Origin, like_threshold: float
) -> str | None:
    """Return why the weights of the last model are of little use, if so."""
    known, there = model.rbm.movie_ids, snapshot.interactions.movie_ids
    if not fit.fits(known, there):
        return f"{fit.n_missing(known, there):,} movies of the last model are gone"
    if model.card["data"]["like_threshold"] != like_threshold:
        return "the last model was trained with another like threshold"
    other = _other_shape(model, options)
    return f"the last model has {other}" if other else None


def _other_shape(model: LoadedModel, options: TrainingOptions) -> str | None:
    """Return the hyper-parameter by which the shape differs from what the options ask for."""
    own = {"n_hidden": model.rbm.n_hidden, "classic": model.rbm.classic}
    for name, value in own.items():
        if options.hyper_parameters.get(name, value) != value:
            return f"another {name}"
    return None

"""The model that a training begins with: the active one, another one, or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.config import Settings
from app.core.errors import ModelNotFoundError
from app.datasets.snapshot import Snapshot
from app.db.engine import Database
from app.db.model_versions import active_version, checksum
from app.jobs import repository as runs
from app.jobs.schemas import TrainingOptions
from app.ratings.user_repository import erased_since
from app.registry import repository as models
from app.training.preparation import TrainingError
from model import artifact
from model.artifact import ArtifactError
from model.rbm import RBM

AS_ASKED = "as asked"
# Less than any revision of the ratings.
BEFORE_ALL = -1


@dataclass(frozen=True, slots=True, eq=False)
class KnownModel:
    """A recorded model with its card."""

    version: str
    rbm: RBM
    card: Mapping[str, Any]

    def was_held_out_by(self, salt: str) -> bool:
        """Tell whether the gate users of this database were held out of its training."""
        return bool(self.card.get("holdout", {}).get("salt") == salt)


@dataclass(frozen=True, slots=True, eq=False)
class Active:
    """The model that is served: None where there is none, or its files are damaged."""

    generation: int  # another one tells that another model was activated
    version: str | None
    model: KnownModel | None


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a training begins with; `why_scratch` says why with no model."""

    model: KnownModel | None
    why_scratch: str | None

    @property
    def note(self) -> str | None:
        """What whoever asked did not ask for, in words."""
        if self.model:
            return f"Begun with model {self.model.version}."
        return None if self.why_scratch == AS_ASKED else f"From scratch: {self.why_scratch}."

    def as_json(self) -> dict[str, str | None]:
        """Give it for the card and the run."""
        return {
            "start": self.model.version if self.model else None,
            "why_scratch": self.why_scratch,
        }


def load_active(database: Database, settings: Settings) -> Active:
    """Read the model that is served now."""
    with database.read() as connection:
        active = active_version(connection)
    if active.version is None:
        return Active(active.generation, None, None)
    try:
        model = load_model(database, settings, active.version)
    except ArtifactError:
        model = None
    return Active(active.generation, active.version, model)


def load_model(database: Database, settings: Settings, version: str) -> KnownModel:
    """Read a model; raises `ModelNotFoundError` and `ArtifactError`."""
    with database.read() as connection:
        if not models.exists(connection, version):
            raise ModelNotFoundError(version)
        sha256 = checksum(connection, version)
    whole = artifact.load(settings.models_dir / version, sha256=sha256)
    return KnownModel(version, whole.rbm, whole.card)


def choose_start(
    database: Database,
    settings: Settings,
    options: TrainingOptions,
    snapshot: Snapshot,
    active: Active,
) -> Start:
    """Choose what to begin with; raises `TrainingError` where the model asked for is not fit."""
    if options.from_scratch:
        return Start(None, AS_ASKED)
    if options.start is not None:
        asked = load_model(database, settings, options.start)
        problem = _danger(database, asked, snapshot)
        if problem:
            raise TrainingError(f"cannot begin with model {asked.version}: {problem}")
        other = _other_shape(asked, options)
        if other:
            raise TrainingError(f"cannot begin with model {asked.version}: it has {other}")
        return Start(asked, None)
    if active.model is None:
        what = f"model {active.version} is damaged" if active.version else "no model is active"
        return Start(None, what)
    problem = _danger(database, active.model, snapshot) or _difference(
        active.model, options, snapshot, settings.like_threshold
    )
    return Start(None, problem) if problem else Start(active.model, None)


def _danger(database: Database, model: KnownModel, snapshot: Snapshot) -> str | None:
    """Say why the weights of a model must not be gone on with."""
    if not model.was_held_out_by(snapshot.holdout_salt):
        return "it was trained on another database, maybe on people that this one judges by"
    with database.read() as connection:
        if runs.has_made(connection, model.version):
            if erased_since(connection, model.card["data"]["ratings_revision"]):
                return "somebody was erased since it was trained, whom its weights may remember"
        # A copy of this database has the same salt, and counts changes by itself.
        elif erased_since(connection, BEFORE_ALL):
            return "it was trained on a copy of this database, maybe on somebody erased here"
    return None


def _difference(
    model: KnownModel, options: TrainingOptions, snapshot: Snapshot, like_threshold: float
) -> str | None:
    """Say why there is little use in going on with a model."""
    if model.card["dataset"]["name"] != snapshot.dataset_name:
        return f"the active model was trained on {model.card['dataset']['name']}"
    if model.card["data"]["like_threshold"] != like_threshold:
        return "the active model was trained with another like threshold"
    other = _other_shape(model, options)
    return f"the active model has {other}" if other else None


def _other_shape(model: KnownModel, options: TrainingOptions) -> str | None:
    """Say what makes the parameters of a model unfit for the machine that is asked for."""
    own = {"n_hidden": model.rbm.n_hidden, "classic": model.rbm.classic}
    for name, value in own.items():
        if options.hyper_parameters.get(name, value) != value:
            return f"another {name}"
    return None

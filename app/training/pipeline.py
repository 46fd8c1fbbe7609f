"""One training: snapshot, split, warm start, train, judge, card, publish."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.core import tracing
from app.core.memory import release_unused
from app.datasets.repository import imported_dataset
from app.db.engine import Database
from app.evaluation.report import render
from app.evaluation.report_data import card_report, examples, features, public_rows, read_titles
from app.jobs.checkpoints import REVISION, Checkpoints
from app.jobs.errors import ActiveModelChangedError, OutdatedSnapshotError
from app.jobs.job import Job, hold_run
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import request_run
from app.ratings.user_repository import erased_since
from app.registry import repository as models
from app.registry.removal import prune
from app.registry.service import publish
from app.store.remote import open_store
from app.training.card import drift, point, provenance
from app.training.gate import GateResult, judge
from app.training.hyper_parameters import OnTrial, configure
from app.training.material import InMemory, Origin
from app.training.room import needed_bytes, room_for
from app.training.warm_start import ActiveModel, WarmStart, choose_warm_start, load_active
from model.config import Config
from model.rbm import RBM
from model.training import EpochReport

if TYPE_CHECKING:
    from app.jobs.checkpoints import AnyTrainer
    from app.training.material import Material
    from app.training.sharded import OnDask

logger = logging.getLogger(__name__)

OnEpoch = Callable[[EpochReport], None]

# A run begins anew when a user is erased; so often, so that it ends where users leave all the time.
MAX_BEGINNINGS = 3


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A model that was published or refused, and how well it does."""

    version: str
    dataset: str
    n_gate_users: int
    judged: GateResult
    warm_start: WarmStart


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A trained model that is not judged yet."""

    rbm: RBM
    trainer: AnyTrainer
    material: Material
    warm_start: WarmStart
    seconds: float

    @property
    def n_gate_users(self) -> int:
        """Number of users that it is judged on."""
        return self.material.whole.test.given.n_users


def train(
    database: Database,
    settings: Settings,
    options: TrainingOptions,
    requested_by: str,
    **how: Any,
) -> TrainingResult:
    """Request a run and carry it out, as `carry_out` says; raises `TrainingInProgressError`."""
    return carry_out(database, settings, request_run(database, options, requested_by), **how)


def carry_out(
    database: Database,
    settings: Settings,
    run_id: int,
    *,
    checkpoints: Checkpoints | None = None,
    on_dask: OnDask | None = None,
    on_epoch: OnEpoch | None = None,
    on_trial: OnTrial | None = None,
) -> TrainingResult:
    """Carry out a run that was requested: train, judge, publish unless the gate refuses.

    Resumes from the checkpoint of a run that was killed, unless `checkpoints` say otherwise.
    Trains in this process, or `on_dask`.
    Raises `TrainingError` where there are too few ratings, `TrainingStoppedError` after a signal,
    `LeaseLostError`, and what `Trainer` raises.
    """
    with (
        tracing.opened(settings.trace_share),
        tracing.begin("training", training_run=run_id),
    ):
        with hold_run(database, settings, run_id, checkpoints) as held:
            job = held
            for n_beginnings in range(1, MAX_BEGINNINGS + 1):
                try:
                    result = _carry_out(job, on_dask, on_epoch, on_trial)
                    break
                except OutdatedSnapshotError as error:
                    job = held.begin_again()
                    if n_beginnings == MAX_BEGINNINGS:
                        raise
                    logger.warning("training run %d begins again: %s", run_id, error)
        with tracing.step("prune"):
            _prune(database, settings, _name(run_id))
    return result


def _carry_out(
    job: Job, on_dask: OnDask | None, on_epoch: OnEpoch | None, on_trial: OnTrial | None
) -> TrainingResult:
    """Train once; raises `OutdatedSnapshotError`."""
    database, settings = job.database, job.settings
    job.lease.report("snapshot")
    with ExitStack() as stack:
        whole = stack.enter_context(_opened(job, on_dask))
        with tracing.step("start"):
            warm_start = choose_warm_start(database, settings, job.options, whole.origin)
        usual = _usual(job, whole, warm_start)
        material = whole.of_rated(usual.min_ratings)
        needed = needed_bytes(material.n_movies, usual)
        stack.enter_context(room_for(settings.models_dir, needed))
        with tracing.step("train"):
            candidate = _train(job, material, warm_start, on_epoch, on_trial)

        def judge_and_publish() -> tuple[str, GateResult]:
            active = load_active(database, settings)
            with tracing.step("judge"):
                anyway = job.options.publish_anyway
                judged = judge(
                    candidate.rbm, material.whole, material.origin, active, publish_anyway=anyway
                )
            release_unused()  # of what judging took
            card = _card(job, candidate, judged, active)
            with tracing.step("publish"):
                return _publish(job, candidate, judged, card, active), judged

        version, judged = job.retry_publication(judge_and_publish)
        candidate.trainer.remove()
    return TrainingResult(
        version, material.origin.dataset_name, candidate.n_gate_users, judged, warm_start
    )


@contextmanager
def _opened(job: Job, on_dask: OnDask | None) -> Iterator[Material]:
    """Read the ratings, or connect to workers that do."""
    if on_dask is None:
        yield InMemory.read(job)
        return
    from app.training import sharded  # noqa: PLC0415 (an extra)

    with sharded.opened(job, on_dask) as material:
        yield material


def _train(
    job: Job,
    material: Material,
    warm_start: WarmStart,
    on_epoch: OnEpoch | None,
    on_trial: OnTrial | None,
) -> Candidate:
    started = time.perf_counter()

    def report_trial(done: int, n_trials: int) -> None:
        _stop_if_outdated(job, material.origin)
        job.lease.report("settings", **warm_start.as_json(), trial=done, n_trials=n_trials)
        if on_trial:
            on_trial(done, n_trials)

    with tracing.step("settings"):
        config = _configure(job, material, warm_start, report_trial)
    start = warm_start.model.rbm if warm_start.model else None
    trainer = material.trainer(config, job.options.seed, start)
    trainer.note[REVISION] = material.origin.ratings_revision

    def report_epoch(epoch: EpochReport) -> None:
        _stop_if_outdated(job, material.origin)
        progress = {**warm_start.as_json(), "n_epochs": epoch.n_epochs, **point(epoch)}
        job.lease.report("training", **progress)
        if on_epoch:
            on_epoch(epoch)

    with tracing.step("fit"):
        seconds_before = job.fit(trainer, report_epoch)
    job.lease.report("judging", **warm_start.as_json())
    with tracing.step("finish"):
        rbm = material.finish(trainer)
    seconds = seconds_before + time.perf_counter() - started
    return Candidate(rbm, trainer, material, warm_start, seconds)


def _configure(job: Job, material: Material, warm_start: WarmStart, on_trial: OnTrial) -> Config:
    searched = None
    if warm_start.model is None and not job.options.hyper_parameters:
        searched = material.searched(job.options.seed, on_trial)
    return searched or _usual(job, material, warm_start)


def _usual(job: Job, material: Material, warm_start: WarmStart) -> Config:
    """Return the hyper-parameters of a run, those before any search."""
    earlier = warm_start.model.card["configuration"] if warm_start.model else None
    return configure(material.whole.training, job.options.hyper_parameters, earlier)


def _card(
    job: Job, candidate: Candidate, judged: GateResult, active: ActiveModel
) -> dict[str, Any]:
    rbm, *others = judged.results
    threshold = job.settings.like_threshold
    return {
        **provenance(
            candidate.material.origin,
            candidate.material.whole,
            candidate.rbm.movie_ids,
            job.options.seed,
            threshold,
        ),
        **candidate.warm_start.as_json(),
        "training_run": job.lease.run_id,
        "configuration": candidate.trainer.config.model_dump(),
        "curve": [point(report) for report in candidate.trainer.curve],
        "results": [{**rbm, "fit_seconds": round(candidate.seconds, 2)}, *others],
        "by_n_ratings": judged.by_n_ratings,
        "gate": judged.gate,
        "drift": drift(active, candidate.material.origin),
    }


def _publish(
    job: Job, candidate: Candidate, judged: GateResult, card: dict[str, Any], active: ActiveModel
) -> str:
    """Record the model and the end of the run in one transaction; return the version."""
    published = judged.is_published

    version = ""

    def reserve(drawn: str) -> None:
        """Record a version before there are files, so that a later run can remove them."""
        nonlocal version
        version = drawn
        with job.database.unit_of_work() as connection:
            job.lease.keep(connection, version=drawn)

    def end_run(connection: Connection) -> None:
        job.lease.keep(connection)
        _refuse_other_ratings(connection, candidate.material.origin)
        if models.lock_active_version(connection).generation != active.generation:
            raise ActiveModelChangedError
        figures = {
            "n_gate_users": candidate.n_gate_users,
            "models": judged.figures,
            "gate": judged.gate,
        }
        state = RunState.PUBLISHED if published else RunState.REFUSED
        job.lease.end(connection, state, figures=figures)

    job.discard_attempt()
    with job.publication():
        publish(
            job.database,
            open_store(job.settings),
            candidate.rbm,
            card,
            report=lambda version: _report(job, candidate, card, version),
            reserve=reserve,
            within=end_run,
            state=models.PUBLISHED if published else models.REFUSED,
            activate=published,
            by=_name(job.lease.run_id),
        )
    return version


def _stop_if_outdated(job: Job, snapshot: Origin) -> None:
    """Raise `OutdatedSnapshotError` as soon as it is known that this training cannot publish."""
    with suppress(SQLAlchemyError), job.database.read() as connection:  # the lease has its own rule
        _refuse_other_ratings(connection, snapshot)


def _refuse_other_ratings(connection: Connection, snapshot: Origin) -> None:
    if imported_dataset(connection) != snapshot.dataset:
        raise OutdatedSnapshotError("the data set was replaced during the training; train again")
    if erased_since(connection, snapshot.ratings_revision):
        raise OutdatedSnapshotError(
            "a user was erased during the training, whose ratings the weights may hold; train again"
        )


def _report(job: Job, candidate: Candidate, card: dict[str, Any], version: str) -> str:
    """Render the report card; it shows ratings of users in a public release alone."""
    rbm = candidate.rbm
    held_out = candidate.material.whole.test.with_movies(rbm.movie_ids)
    titles = read_titles(job.database)
    shown = public_rows(job.database, candidate.material.origin.dataset, held_out.given.user_keys)
    return render(
        {
            **card_report(card, version),
            "features": features(rbm, titles),
            "examples": examples(rbm, held_out, titles, shown),
        }
    )


def _name(run_id: int) -> str:
    """Name a run in the audit log; the run itself names who asked for it."""
    return f"training run {run_id}"


def _prune(database: Database, settings: Settings, by: str) -> None:
    """Remove old models; a failure to do so does not fail the run."""
    try:
        prune(database, open_store(settings), settings.keep_models, by=by)
    except Exception:
        logger.exception("cannot remove old models")

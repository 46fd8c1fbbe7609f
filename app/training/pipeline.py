"""One training: snapshot, split, warm start, train, judge, card, publish."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from app.config import Settings
from app.datasets.repository import imported_dataset
from app.datasets.snapshot import Snapshot, read_snapshot
from app.db.engine import Database
from app.evaluation.report import render
from app.evaluation.report_data import card_report, examples, features, public_rows, read_titles
from app.jobs.checkpoints import Checkpoints
from app.jobs.errors import ActiveModelChangedError, TrainingError
from app.jobs.job import Job, hold_run
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import request_run
from app.ratings.user_repository import erased_since
from app.registry import repository as models
from app.registry.removal import discard, prune
from app.registry.service import new_version, publish
from app.training.card import drift, point, provenance
from app.training.gate import GateResult, judge
from app.training.hyper_parameters import configure, search_configuration
from app.training.split import split_users
from app.training.warm_start import ActiveModel, WarmStart, choose_warm_start, load_active
from data.splitting import Split
from model.config import Config
from model.finish import finish
from model.rbm import RBM
from model.training import EpochReport, Trainer

logger = logging.getLogger(__name__)

OnEpoch = Callable[[EpochReport], None]
OnTrial = Callable[[int, int], None]  # settings tried, of so many


class ErasedMeanwhileError(TrainingError):
    """A user whose ratings the weights may hold was erased; the model may not be kept."""


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

    version: str
    rbm: RBM
    trainer: Trainer
    snapshot: Snapshot
    split: Split
    warm_start: WarmStart
    seconds: float

    @property
    def n_gate_users(self) -> int:
        """Number of users that it is judged on."""
        return self.split.test.given.n_users


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
    on_epoch: OnEpoch | None = None,
    on_trial: OnTrial | None = None,
) -> TrainingResult:
    """Carry out a run that was requested: train, judge, publish unless the gate refuses.

    Resumes from the checkpoint of a run that was killed, unless `checkpoints` say otherwise.
    Raises `TrainingError` where there are too few ratings, `TrainingStoppedError` after a signal,
    `LeaseLostError`, and what `Trainer` raises.
    """
    with hold_run(database, settings, run_id, checkpoints) as job:
        job.lease.report("snapshot")
        snapshot = read_snapshot(database, settings.like_threshold)
        split = split_users(snapshot, job.options.seed)
        warm_start = choose_warm_start(database, settings, job.options, snapshot)
        candidate = _train(job, snapshot, split, warm_start, on_epoch, on_trial)

        def judge_and_publish() -> GateResult:
            active = load_active(database, settings)
            judged = judge(
                candidate.rbm, split, snapshot, active, publish_anyway=job.options.publish_anyway
            )
            card = _card(job, candidate, judged, active)
            _publish(job, candidate, judged, card, active)
            return judged

        judged = job.retry_publication(judge_and_publish)
    _prune(database, settings)
    return TrainingResult(
        candidate.version, snapshot.dataset_name, candidate.n_gate_users, judged, warm_start
    )


def _train(
    job: Job,
    snapshot: Snapshot,
    split: Split,
    warm_start: WarmStart,
    on_epoch: OnEpoch | None,
    on_trial: OnTrial | None,
) -> Candidate:
    started = time.perf_counter()
    trainer = Trainer(
        split.training,
        _configure(job, split, warm_start, on_trial),
        seed=job.options.seed,
        validation=split.validation,
        start=warm_start.model.rbm if warm_start.model else None,
    )

    def report_epoch(epoch: EpochReport) -> None:
        progress = {**warm_start.as_json(), "n_epochs": epoch.n_epochs, **point(epoch)}
        job.lease.report("training", **progress)
        if on_epoch:
            on_epoch(epoch)

    seconds_before = job.fit(trainer, report_epoch)
    job.lease.report("judging", **warm_start.as_json())
    rbm = finish(trainer.rbm(), split.training, split.validation, trainer.config)
    seconds = seconds_before + time.perf_counter() - started
    version = new_version(datetime.now(UTC))
    return Candidate(version, rbm, trainer, snapshot, split, warm_start, seconds)


def _configure(job: Job, split: Split, warm_start: WarmStart, on_trial: OnTrial | None) -> Config:
    changes = job.options.hyper_parameters
    if warm_start.model is not None:
        return configure(split, changes, warm_start.model.card["configuration"])
    if changes:
        return configure(split, changes)

    def report_trial(done: int, n_trials: int) -> None:
        job.lease.report("settings", **warm_start.as_json(), trial=done, n_trials=n_trials)
        if on_trial:
            on_trial(done, n_trials)

    return search_configuration(split, seed=job.options.seed, on_trial=report_trial)


def _card(
    job: Job, candidate: Candidate, judged: GateResult, active: ActiveModel
) -> dict[str, Any]:
    rbm, *others = judged.results
    threshold = job.settings.like_threshold
    return {
        **provenance(candidate.snapshot, candidate.split, job.options.seed, threshold),
        **candidate.warm_start.as_json(),
        "training_run": job.lease.run_id,
        "configuration": candidate.trainer.config.model_dump(),
        "curve": [point(report) for report in candidate.trainer.curve],
        "results": [{**rbm, "fit_seconds": round(candidate.seconds, 2)}, *others],
        "by_n_ratings": judged.by_n_ratings,
        "gate": judged.gate,
        "drift": drift(active, candidate.snapshot),
    }


def _publish(
    job: Job, candidate: Candidate, judged: GateResult, card: dict[str, Any], active: ActiveModel
) -> None:
    """Record the model and the end of the run in one transaction."""
    published, models_dir = judged.is_published, job.settings.models_dir

    def end_run(connection: Connection) -> None:
        job.lease.keep(connection)
        _refuse_other_ratings(connection, candidate.snapshot)
        if models.lock_active_version(connection).generation != active.generation:
            raise ActiveModelChangedError
        figures = {
            "n_gate_users": candidate.n_gate_users,
            "models": judged.figures,
            "gate": judged.gate,
        }
        state = RunState.PUBLISHED if published else RunState.REFUSED
        job.lease.end(connection, state, figures=figures)

    # Recorded before there are files, so that a later run can remove those of one that died.
    with job.database.unit_of_work() as connection:
        job.lease.keep(connection, version=candidate.version)
    discard(job.database, models_dir, candidate.version)  # of an earlier attempt
    with job.publication():
        publish(
            job.database,
            models_dir,
            candidate.rbm,
            card,
            version=candidate.version,
            report=lambda version: _report(job, candidate, card, version),
            within=end_run,
            state=models.PUBLISHED if published else models.REFUSED,
            activate=published,
        )


def _refuse_other_ratings(connection: Connection, snapshot: Snapshot) -> None:
    if imported_dataset(connection) != snapshot.dataset:
        raise TrainingError("the data set was replaced during the training; train again")
    if erased_since(connection, snapshot.ratings_revision):
        raise ErasedMeanwhileError(
            "a user was erased during the training, whose ratings the weights may hold; train again"
        )


def _report(job: Job, candidate: Candidate, card: dict[str, Any], version: str) -> str:
    """Render the report card; it shows ratings of users in a public release alone."""
    rbm, held_out = candidate.rbm, candidate.split.test
    titles = read_titles(job.database)
    shown = public_rows(job.database, candidate.snapshot.dataset, held_out.given.user_keys)
    return render(
        {
            **card_report(card, version),
            "features": features(rbm, titles),
            "examples": examples(rbm, held_out, titles, shown),
        }
    )


def _prune(database: Database, settings: Settings) -> None:
    """Remove old models; a failure to do so does not fail the run."""
    try:
        prune(database, settings.models_dir, settings.keep_models)
    except Exception:
        logger.exception("cannot remove old models")

"""One training from the first query to the published model: snapshot, train, judge, publish."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from app.config import Settings
from app.datasets.repository import imported_dataset
from app.datasets.snapshot import Snapshot, read_snapshot
from app.db.engine import Database
from app.evaluation.report_data import card_report, examples, features, public_rows, read_titles
from app.jobs import repository
from app.jobs.checkpoints import (
    Checkpoints,
    Interruption,
    Resume,
    kept_checkpoints,
    remove_checkpoints,
    run,
)
from app.jobs.lease import Lease, holding
from app.jobs.runs import find_run, request_run
from app.jobs.schemas import RunState, TrainingOptions
from app.ratings.user_repository import erased_since
from app.registry import repository as models
from app.registry.service import discard, new_version, prune, publish
from app.training.card import drift, point, provenance
from app.training.judgement import Judged, judge
from app.training.preparation import TrainingError, choose_settings, configure, split_users
from app.training.warm_start import Active, Start, choose_start, load_active
from data.splitting import Split
from model.calibration import calibrate
from model.config import Config
from model.rbm import RBM
from model.report import render
from model.training import EpochReport, Trainer

logger = logging.getLogger(__name__)

# Between two attempts to publish while the database is busy or away.
TRY_AGAIN_S = 1.0

OnEpoch = Callable[[EpochReport], None]
OnTrial = Callable[[int, int], None]  # settings tried, of so many


class ErasedMeanwhileError(TrainingError):
    """The weights may remember somebody who was erased; nothing of them may be kept."""


class ActiveModelChangedError(Exception):
    """Another model was activated since the candidate was compared with the active one."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """A model that was made, published or refused, and how well it does."""

    run_id: int
    version: str
    dataset: str
    n_gate_users: int
    results: list[dict[str, Any]]
    gate: dict[str, Any]
    start: Start

    @property
    def is_published(self) -> bool:
        """False when the gate has refused it."""
        return bool(self.gate["passed"] or self.gate["published_anyway"])

    @property
    def ratio(self) -> float:
        """NDCG@100 of the RBM, in times that of popularity."""
        rbm, popularity = (row["metrics"]["ndcg@100"]["mean"] for row in self.results)
        return float(rbm / popularity) if popularity else float("inf")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What all steps of a training need."""

    database: Database
    settings: Settings
    options: TrainingOptions
    lease: Lease
    interruption: Interruption
    checkpoints: Checkpoints
    on_epoch: OnEpoch
    on_trial: OnTrial


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """A trained machine that is not judged yet."""

    rbm: RBM
    trainer: Trainer
    snapshot: Snapshot
    split: Split
    start: Start
    seconds: float


def train(
    database: Database,
    settings: Settings,
    options: TrainingOptions,
    requested_by: str,
    *,
    checkpoints: Checkpoints | None = None,
    on_epoch: OnEpoch | None = None,
    on_trial: OnTrial | None = None,
) -> TrainingResult:
    """Ask for a training and carry it out.

    Raises `TrainingInProgressError`, and what `carry_out` raises.
    """
    run_id = request_run(database, options, requested_by)
    return carry_out(
        database, settings, run_id, checkpoints=checkpoints, on_epoch=on_epoch, on_trial=on_trial
    )


def carry_out(
    database: Database,
    settings: Settings,
    run_id: int,
    *,
    checkpoints: Checkpoints | None = None,
    on_epoch: OnEpoch | None = None,
    on_trial: OnTrial | None = None,
) -> TrainingResult:
    """Carry out a run that was asked for: train, judge, publish unless the gate refuses.

    Goes on from the checkpoint of a run that was killed, unless `checkpoints` say otherwise.
    Raises `TrainingError` where there are too few ratings, `TrainingStoppedError` after a signal,
    `LeaseLostError`, and what `Trainer` raises.
    """
    with (
        Interruption() as interruption,
        holding(database, run_id, settings.training_lease_seconds) as lease,
    ):
        lease.on_loss = interruption.stop_training
        job = _Job(
            database,
            settings,
            find_run(database, run_id).options,
            lease,
            interruption,
            checkpoints or Checkpoints(resume=Resume.IF_POSSIBLE),
            on_epoch or (lambda _: None),
            on_trial or (lambda _, __: None),
        )
        _remove_leftovers(job)
        candidate = _train(job)
        kept = kept_checkpoints(settings.models_dir)  # the next run may have its own afterwards
        result = _judge_and_publish(job, candidate)
        remove_checkpoints(settings.models_dir, kept)
    _prune(database, settings)
    return result


def _remove_leftovers(job: _Job) -> None:
    """Remove files of candidates whose runs died before they were recorded as models."""
    with job.database.read() as connection:
        versions = repository.unregistered_versions(connection)
    for version in versions:
        discard(job.database, job.settings.models_dir, version)


def _train(job: _Job) -> _Candidate:
    job.lease.report("snapshot")
    options, settings = job.options, job.settings
    snapshot = read_snapshot(job.database, settings.like_threshold)
    split = split_users(snapshot, options.seed)
    begun = time.perf_counter()
    active = load_active(job.database, settings)
    start = choose_start(job.database, settings, options, snapshot, active)
    machine = start.model.rbm if start.model else None
    config = _configure(job, split, start)
    trainer = Trainer(
        split.training, config, seed=options.seed, validation=split.validation, start=machine
    )

    def on_epoch(report: EpochReport) -> None:
        job.lease.report("training", **start.as_json(), n_epochs=report.n_epochs, **point(report))
        job.on_epoch(report)

    before = run(
        trainer,
        settings.models_dir,
        job.checkpoints,
        job.interruption,
        on_epoch,
        job.lease.may_write,
    )
    if not trainer.finished:
        job.lease.check()
        raise job.interruption.error(_how_far(trainer, job.checkpoints))
    job.lease.report("judging", **start.as_json())
    rbm = calibrate(trainer.rbm(), split.validation)
    seconds = before + time.perf_counter() - begun
    return _Candidate(rbm, trainer, snapshot, split, start, seconds)


def _configure(job: _Job, split: Split, start: Start) -> Config:
    changes = job.options.hyper_parameters
    if start.model is not None:
        return configure(split, changes, start.model.card["configuration"])
    if changes:
        return configure(split, changes)

    def on_trial(done: int, n_trials: int) -> None:
        job.lease.report("settings", **start.as_json(), trial=done, n_trials=n_trials)
        job.on_trial(done, n_trials)

    return choose_settings(split, seed=job.options.seed, on_fit=on_trial)


def _how_far(trainer: Trainer, checkpoints: Checkpoints) -> str:
    automatic = checkpoints.resume is Resume.IF_POSSIBLE
    how = "the next run" if automatic else "`recommender train --resume` with the same options"
    return f"after {len(trainer.curve)} whole epochs; {how} goes on from here"


def _judge_and_publish(job: _Job, candidate: _Candidate) -> TrainingResult:
    """Judge a candidate; anew where another model has been activated in the meantime.

    A database that is busy or away is waited for as long as the lease lasts.
    """
    version = new_version(datetime.now(UTC))
    while True:
        try:
            active = load_active(job.database, job.settings)
            judged = judge(candidate.rbm, candidate.split, candidate.snapshot, active)
            judged.gate["published_anyway"] = job.options.publish_anyway and not judged.passed
            _publish(job, candidate, judged, active, version)
        except ActiveModelChangedError:
            continue
        except TrainingError:
            remove_checkpoints(job.settings.models_dir)
            raise
        except OperationalError as error:
            _wait(job.lease, error)
            continue
        return TrainingResult(
            job.lease.run_id,
            version,
            candidate.snapshot.dataset_name,
            candidate.split.test.given.n_users,
            judged.results,
            judged.gate,
            candidate.start,
        )


def _wait(lease: Lease, error: OperationalError) -> None:
    """Wait a little for a database that is busy or away; raise the error without a lease."""
    if not lease.is_fresh:
        raise error
    logger.warning("cannot publish now, trying again: %s", error.orig)
    time.sleep(TRY_AGAIN_S)


def _publish(
    job: _Job, candidate: _Candidate, judged: Judged, active: Active, version: str
) -> None:
    """Record the candidate and how the run ended in one transaction."""
    snapshot = candidate.snapshot
    published = judged.passed or job.options.publish_anyway
    card = _card(job, candidate, judged, active)

    def within(connection: Connection) -> None:
        job.lease.keep(connection)
        _refuse_other_ratings(connection, snapshot)
        if models.lock_active_version(connection).generation != active.generation:
            raise ActiveModelChangedError
        figures = {
            "n_gate_users": candidate.split.test.given.n_users,
            "models": judged.figures,
            "gate": judged.gate,
        }
        state = RunState.PUBLISHED if published else RunState.REFUSED
        job.lease.end(connection, state, figures=figures)

    # Known before there are files, so that a later run can remove those of one that died.
    with job.database.unit_of_work() as connection:
        job.lease.keep(connection, version=version)
    discard(job.database, job.settings.models_dir, version)  # of an attempt before this one
    try:
        publish(
            job.database,
            job.settings.models_dir,
            candidate.rbm,
            card,
            version=version,
            report=lambda version: _report(job, candidate, card, version),
            within=within,
            state=models.PUBLISHED if published else models.REFUSED,
            activate=published,
        )
    except DBAPIError:
        # A connection that was lost during the commit does not tell whether there was one.
        if not _has_ended_well(job):
            raise
    except OSError:
        job.lease.confirm()  # whoever has taken the lease removes what is half-published
        raise


def _has_ended_well(job: _Job) -> bool:
    while True:
        try:
            state = find_run(job.database, job.lease.run_id).state
        except OperationalError as error:
            _wait(job.lease, error)
        else:
            return state in {RunState.PUBLISHED, RunState.REFUSED}


def _report(job: _Job, candidate: _Candidate, card: dict[str, Any], version: str) -> str:
    """Draw the report card; it shows ratings of people in a public release alone."""
    rbm, dataset = candidate.rbm, candidate.snapshot.dataset
    titles = read_titles(job.database)
    held_out = candidate.split.test
    shown = public_rows(job.database, dataset, held_out.given.user_keys)
    return render(
        {
            **card_report(card, version),
            "features": features(rbm, titles),
            "examples": examples(rbm, held_out, titles, shown),
        }
    )


def _refuse_other_ratings(connection: Connection, snapshot: Snapshot) -> None:
    if imported_dataset(connection) != snapshot.dataset:
        raise TrainingError("the data set was replaced during the training; train again")
    if erased_since(connection, snapshot.ratings_revision):
        raise ErasedMeanwhileError(
            "somebody was erased during the training, whom the weights may remember; train again"
        )


def _card(job: _Job, candidate: _Candidate, judged: Judged, active: Active) -> dict[str, Any]:
    results = [dict(row) for row in judged.results]
    results[0]["fit_seconds"] = round(candidate.seconds, 2)
    settings = job.settings
    return {
        **provenance(
            candidate.snapshot, candidate.split, job.options.seed, settings.like_threshold
        ),
        **candidate.start.as_json(),
        "training_run": job.lease.run_id,
        "configuration": candidate.trainer.config.model_dump(),
        "curve": [point(report) for report in candidate.trainer.curve],
        "results": results,
        "gate": judged.gate,
        "drift": drift(active, candidate.snapshot),
    }


def _prune(database: Database, settings: Settings) -> None:
    """Remove models beyond those to keep; that it fails is no reason for the run to fail."""
    try:
        prune(database, settings.models_dir, settings.keep_models)
    except Exception:
        logger.exception("cannot remove old models")

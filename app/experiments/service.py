"""Begins, stops and reports on experiments, and promotes their winner."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection, Row

from app.config import Settings
from app.core.errors import InvalidRequestError, NotReadyError
from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.db.sql import now
from app.experiments import promotion, repository, shadows
from app.experiments import report as reports
from app.experiments.errors import (
    ArmNotFoundError,
    ArmNotPromotableError,
    ExperimentExistsError,
    ExperimentNotFoundError,
    ExperimentStoppedError,
    OtherExperimentRunningError,
)
from app.experiments.schemas import ExperimentDetail, ExperimentReport, Shadows
from app.live.model_reloader import ModelReloader
from app.live.rules import RUNNING, Arm, ExperimentDefinition, next_rules_revision, read_rules
from app.registry import repository as models
from app.registry.service import refuse_damaged
from app.store.remote import open_store

# A report reads all feedback on the lists of an experiment.
REPORT_S = 60.0


class ExperimentService:
    """The experiments of a database; `models` is told of a change, where this process serves."""

    def __init__(
        self, database: Database, settings: Settings, models: ModelReloader | None = None
    ) -> None:
        self.database = database
        self.settings = settings
        self.models = models

    def all(self) -> list[ExperimentDetail]:
        """Return all experiments, the latest first."""
        with self.database.read() as connection:
            rows = repository.read_all(connection)
        return [ExperimentDetail.model_validate(row) for row in rows]

    def get(self, name: str) -> ExperimentDetail:
        """Return an experiment; raises `ExperimentNotFoundError`."""
        with self.database.read() as connection:
            return ExperimentDetail.model_validate(_find(connection, name))

    def put(
        self, name: str, definition: ExperimentDefinition, by: str
    ) -> tuple[ExperimentDetail, bool]:
        """Begin an experiment; False if the same one is in progress already.

        Raises `ExperimentExistsError`, `OtherExperimentRunningError`, `ModelDamagedError`, and
        `InvalidRequestError` for a model or scenario that is not there.
        """
        with self.database.read() as connection:
            row = repository.find(connection, name)
            self._refuse_models(connection, definition)
        if row is not None:
            begun = ExperimentDetail.model_validate(row)
            if begun.state != RUNNING or begun.definition != definition:
                raise ExperimentExistsError(name=name)
            return begun, False
        for version in {arm.model for arm in definition.arms if arm.model is not None}:
            refuse_damaged(self.database, open_store(self.settings), version)
        with self.database.unit_of_work() as connection:
            next_rules_revision(connection)
            models.lock_active_version(connection)  # no model is removed meanwhile
            self._refuse_models(connection, definition)
            _refuse_rules(connection, name, definition)
            stored = definition.model_dump(mode="json", exclude_defaults=True)
            repository.add(connection, name, stored, secrets.token_hex(16))
            scenario = definition.scenario
            audit.record(connection, by, Action.EXPERIMENT_BEGUN, name, scenario=scenario)
        self._reload()
        return self.get(name), True

    def stop(self, name: str, by: str) -> ExperimentDetail:
        """Stop an experiment for good; raises `ExperimentNotFoundError`."""
        if self.get(name).state == RUNNING:
            with self.database.unit_of_work() as connection:
                next_rules_revision(connection)
                row = _find(connection, name)
                if row.state == RUNNING:
                    repository.end(connection, row, None)
                    audit.record(connection, by, Action.EXPERIMENT_STOPPED, name)
            self._reload()
        return self.get(name)

    def promote(self, name: str, arm: str, by: str) -> ExperimentDetail:
        """Stop an experiment, and serve what this arm served to all users from now on.

        Raises `ExperimentNotFoundError`, `ArmNotFoundError`, `ArmNotPromotableError`,
        `ModelNotFoundError`, `ModelDamagedError` and `ModelRefusedError`.
        """
        experiment = self.get(name)
        chosen = _arm(experiment, arm)
        if experiment.winner == arm:
            return experiment
        if chosen.model is not None:
            refuse_damaged(self.database, open_store(self.settings), chosen.model)
        with self.database.unit_of_work() as connection:
            next_rules_revision(connection)
            row = _find(connection, name)
            if row.winner is not None:
                raise ArmNotPromotableError(arm=arm, reason=f"{row.winner} was promoted before")
            promotion.apply(connection, experiment.definition.scenario, chosen, by)
            repository.end(connection, row, arm)
            audit.record(
                connection, by, Action.EXPERIMENT_PROMOTED, name, arm=arm, model=chosen.model
            )
        self._reload()
        return self.get(name)

    def report(self, name: str) -> ExperimentReport:
        """Return how the arms do; raises `ExperimentNotFoundError`."""
        with self.database.read(REPORT_S) as connection:
            row, at = _find(connection, name), now(connection)
            experiment = ExperimentDetail.model_validate(row)
            metric, days = experiment.definition.metric, experiment.definition.days
            counts = repository.count(connection, row, metric, days, at)
        return reports.report(experiment, counts, at)

    def shadows(self, name: str) -> Shadows:
        """Compare the lists of shadows with those of the control, in a process that serves.

        Raises `ExperimentNotFoundError` and `ExperimentStoppedError`.
        """
        self.get(name)
        if self.models is None:
            raise NotReadyError
        snapshot = self.models.current.snapshot
        running = {each.name: each for each in snapshot.rules.experiments.values()}
        if name not in running:
            raise ExperimentStoppedError(name=name)
        return shadows.compare(self.database, snapshot, running[name], self.settings)

    def _refuse_models(self, connection: Connection, definition: ExperimentDefinition) -> None:
        """Refuse a model that is not there, or that the gate refused and users would be shown."""
        for place, arm in enumerate(definition.arms):
            if arm.model is None:
                continue
            row = models.find(connection, arm.model)
            if row is None:
                raise _not_there(["body", "arms", place, "model"], f"model {arm.model}")
            if row.state == models.REFUSED and not arm.shadow:
                message = f"the gate has refused model {arm.model}: it can only be a shadow"
                raise InvalidRequestError.at(["body", "arms", place, "model"], message, "refused")

    def _reload(self) -> None:
        if self.models is not None:
            self.models.reload()


def _find(connection: Connection, name: str) -> Row[Any]:
    row = repository.find(connection, name)
    if row is None:
        raise ExperimentNotFoundError(name=name)
    return row


def _arm(experiment: ExperimentDetail, name: str) -> Arm:
    for arm in experiment.definition.arms:
        if arm.name == name:
            return arm
    raise ArmNotFoundError(name=experiment.name, arm=name)


def _refuse_rules(connection: Connection, name: str, definition: ExperimentDefinition) -> None:
    """Refuse scenarios that are not there, a name that is taken, and requests that are taken."""
    if repository.find(connection, name) is not None:
        raise ExperimentExistsError(name=name)
    rules = read_rules(connection)
    other = rules.experiments.get(definition.scenario)
    if other is not None:
        raise OtherExperimentRunningError(name=other.name)
    if definition.scenario is not None and definition.scenario not in rules.scenarios:
        raise _not_there(["body", "scenario"], f"scenario {definition.scenario}")
    for place, arm in enumerate(definition.arms):
        if arm.scenario is not None and arm.scenario not in rules.scenarios:
            raise _not_there(["body", "arms", place, "scenario"], f"scenario {arm.scenario}")


def _not_there(location: list[str | int], what: str) -> InvalidRequestError:
    return InvalidRequestError.at(location, f"there is no {what}", "not_found")

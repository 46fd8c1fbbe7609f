"""Scenarios: listed, changed and deleted, each change a new version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.db import audit
from app.db.audit import Action
from app.live.rules import ScenarioDefinition, next_rules_revision, read_rules
from app.recommendations.errors import ScenarioNotFoundError
from app.scenarios import repository
from app.scenarios.checks import check
from app.scenarios.errors import (
    ScenarioChangedError,
    ScenarioInUseError,
    TooManyScenariosError,
)
from app.scenarios.schemas import ScenarioDetail, ScenarioVersion

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from app.db.engine import Database
    from app.live.model_reloader import ModelReloader

MAX_SCENARIOS = 100  # each worker compiles those that are asked for


class ScenarioService:
    """Reads and changes scenarios; every worker serves a change within about a second."""

    def __init__(self, database: Database, models: ModelReloader) -> None:
        self.database = database
        self.models = models

    def all(self) -> list[ScenarioDetail]:
        """Return the scenarios in use, by name."""
        with self.database.read() as connection:
            return [_detail(row) for row in repository.in_use(connection)]

    def get(self, name: str) -> ScenarioDetail:
        """Return a scenario in use."""
        with self.database.read() as connection:
            row = repository.latest(connection, name)
        if row is None or row.definition is None:
            raise ScenarioNotFoundError(name=name)
        return _detail(row)

    def versions(self, name: str) -> list[ScenarioVersion]:
        """Return all versions of a scenario, the latest first; of a deleted one, too."""
        with self.database.read() as connection:
            rows = repository.versions(connection, name)
        if not rows:
            raise ScenarioNotFoundError(name=name)
        return [ScenarioVersion.model_validate(row, from_attributes=True) for row in rows]

    def put(
        self,
        name: str,
        definition: ScenarioDefinition,
        by: str,
        expected_version: int | None = None,
    ) -> tuple[ScenarioDetail, bool]:
        """Add or change a scenario; tell whether it is new. The same again changes nothing."""
        check(self.models.current.snapshot, definition)
        with self.database.unit_of_work() as connection:
            result = write(connection, name, definition, by, expected_version)
        self.models.poll()
        return result

    def delete(self, name: str, by: str) -> None:
        """Delete a scenario, if it is there; its versions stay on record."""
        with self.database.unit_of_work() as connection:
            next_rules_revision(connection)
            held = repository.latest(connection, name)
            if held is None or held.definition is None:
                return
            _refuse_in_use(connection, name)
            repository.add(connection, name, held.version + 1, None, by)
            version = held.version + 1
            audit.record(connection, by, Action.SCENARIO_DELETED, name, version=version)
        self.models.poll()


def write(
    connection: Connection,
    name: str,
    definition: ScenarioDefinition,
    by: str,
    expected_version: int | None = None,
) -> tuple[ScenarioDetail, bool]:
    """Add a version in a transaction, unless the latest one is the same."""
    next_rules_revision(connection)
    held = repository.latest(connection, name)
    is_new = held is None or held.definition is None
    in_use = 0 if held is None or is_new else held.version
    if expected_version is not None and expected_version != in_use:
        raise ScenarioChangedError(name=name, version=in_use)
    if is_new and len(repository.in_use(connection)) >= MAX_SCENARIOS:
        raise TooManyScenariosError(limit=MAX_SCENARIOS)
    written = stored(definition)
    if held is None or is_new or held.definition != written:
        version = held.version + 1 if held else 1
        repository.add(connection, name, version, written, by)
        audit.record(connection, by, Action.SCENARIO_CHANGED, name, version=version)
    row = repository.latest(connection, name)
    if row is None:  # this transaction has written it
        raise ScenarioNotFoundError(name=name)
    return _detail(row), is_new


def stored(definition: ScenarioDefinition) -> dict[str, Any]:
    """Return a definition as it is stored: what is as by default is left out."""
    return definition.model_dump(mode="json", exclude_defaults=True)


def _refuse_in_use(connection: Connection, name: str) -> None:
    for each in read_rules(connection).experiments.values():
        definition = each.definition
        if name in {definition.scenario, *(arm.scenario for arm in definition.arms)}:
            raise ScenarioInUseError(name=name, experiment=each.name)


def _detail(row: Row[Any]) -> ScenarioDetail:
    return ScenarioDetail.model_validate(row, from_attributes=True)

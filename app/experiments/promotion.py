"""What the promotion of an arm changes: the active model, and the scenario of the experiment."""

from __future__ import annotations

from sqlalchemy import Connection

from app.experiments.errors import ArmNotPromotableError
from app.live.rules import MAX_BOOSTS, Arm, ScenarioDefinition, read_rules
from app.registry.service import activate_in
from app.scenarios.service import write


def apply(connection: Connection, scenario: str | None, arm: Arm, by: str) -> None:
    """Serve what this arm served to all requests of the scenario, None for those without one.

    The files of its model were checked.
    """
    if arm.model is not None:
        activate_in(connection, arm.model, by=by)
    if arm.scenario is None and not arm.boosts:
        return
    if scenario is None:
        where = f"ask for the scenario {arm.scenario}" if arm.scenario else "make a scenario of it"
        reason = "requests without a scenario have no rules; stop the experiment, and "
        raise ArmNotPromotableError(arm=arm.name, reason=reason + where)
    definition = _definition(connection, arm.scenario or scenario, arm)
    write(connection, scenario, definition, by)


def _definition(connection: Connection, scenario: str, arm: Arm) -> ScenarioDefinition:
    """Return the definition by which this arm is answered."""
    found = read_rules(connection).scenarios.get(scenario)
    if found is None:
        reason = f"the scenario {scenario} was deleted"
        raise ArmNotPromotableError(arm=arm.name, reason=reason)
    boosts = [*found.definition.boosts, *arm.boosts]
    if len(boosts) > MAX_BOOSTS:
        reason = f"with its own boosts the scenario would have more than {MAX_BOOSTS}"
        raise ArmNotPromotableError(arm=arm.name, reason=reason)
    return found.definition.model_copy(update={"boosts": boosts})

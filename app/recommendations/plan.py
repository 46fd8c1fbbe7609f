"""What answers a request: a snapshot and rules, by its scenario and its experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.feedback.identity import Origin
from app.live.rules import Arm, Boost, Experiment, Scenario, ScenarioDefinition
from app.live.snapshot import Snapshot
from app.recommendations.compiled import Compiled
from app.recommendations.errors import ScenarioNotFoundError

NO_SCENARIO = ScenarioDefinition()
PREVIEW = "preview"  # of a scenario that is not stored; its version is 0


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The snapshot and the rules that answer; `requested` is the scenario that was asked for.

    An arm of an experiment may answer with another model, another scenario, or further boosts.
    """

    snapshot: Snapshot
    requested: str | None = None
    scenario: Scenario | None = None  # the one that answers
    experiment: str | None = None
    arm: str | None = None
    boosts: Sequence[Boost] = ()  # of the arm

    @property
    def definition(self) -> ScenarioDefinition:
        """The rules, those of a list without a scenario by default."""
        return self.scenario.definition if self.scenario else NO_SCENARIO

    @property
    def is_timed(self) -> bool:
        """Tell whether the list changes with the time."""
        return bool(self.definition.not_again_days or self.definition.exploration)

    @property
    def state(self) -> str:
        """The rules, by name and version."""
        parts = (self.scenario and self.scenario.version, self.experiment, self.arm)
        return "" if parts == (None, None, None) else "|".join(map(str, parts))

    @property
    def origin(self) -> Origin:
        """What feedback about the list is recorded with."""
        return Origin(self.snapshot.version, self.requested, self.experiment, self.arm)

    def compiled(self) -> Compiled:
        """Return the rules for the snapshot; they are compiled once, and kept with it.

        Two threads may both compile them; either result will do.
        """
        if self.scenario and not self.scenario.version:
            return Compiled.of(self.snapshot, self.definition, self.boosts)
        arm = (self.experiment, self.arm) if self.boosts else None
        name = (self.scenario and self.scenario.name, arm)
        held: Compiled | None = self.snapshot.compiled.get(name)
        if held is None:
            held = Compiled.of(self.snapshot, self.definition, self.boosts)
            self.snapshot.compiled[name] = held
        return held


def plan(snapshot: Snapshot, user: str | None, name: str | None) -> Plan:
    """Find what answers a user, None for an anonymous one, who asks for this scenario."""
    scenario = None if name is None else snapshot.rules.scenarios.get(name)
    if scenario is None and name is not None:
        raise ScenarioNotFoundError(name=name)
    running = snapshot.rules.experiments.get(name)
    arm = running.arm_of(user) if running and user is not None else None
    found = plan_of_arm(snapshot, running, arm) if running and arm else None
    return found or Plan(snapshot, name, scenario)


def plan_of_arm(snapshot: Snapshot, experiment: Experiment, arm: Arm) -> Plan | None:
    """Return what answers by an arm; None if its model or scenario is not there."""
    requested = experiment.definition.scenario
    name = arm.scenario or requested
    scenario = None if name is None else snapshot.rules.scenarios.get(name)
    is_own = arm.model in (None, snapshot.version)
    answering = snapshot if is_own else snapshot.variants.get(arm.model or "")
    if answering is None or (name is not None and scenario is None):
        return None
    return Plan(answering, requested, scenario, experiment.name, arm.name, arm.boosts)

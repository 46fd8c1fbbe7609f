"""Which model, rules and arm answer a request."""

from dataclasses import replace
from typing import Any

import pytest

from app.feedback.identity import Origin
from app.live.rules import (
    Experiment,
    ExperimentDefinition,
    Rules,
    Scenario,
    ScenarioDefinition,
)
from app.live.snapshot import Snapshot
from app.recommendations.errors import ScenarioNotFoundError
from app.recommendations.plan import plan
from tests.app.test_recommendations_rules import make_snapshot

USERS = [str(number) for number in range(200)]


def snapshot(*arms: dict[str, Any], scenario: str | None = "home") -> Snapshot:
    """Make a snapshot with two scenarios, models `v1` and `v2`, and an experiment."""
    made, other = make_snapshot(1), make_snapshot(1, version="v2")
    definition: dict[str, Any] = {"arms": [*arms]} | ({"scenario": scenario} if scenario else {})
    running = Experiment("test", "salt", ExperimentDefinition.model_validate(definition))
    scenarios = {
        name: Scenario(name, 1, ScenarioDefinition(diversity=diversity))
        for name, diversity in (("home", 0.0), ("varied", 0.5))
    }
    return replace(made, rules=Rules(scenarios, {scenario: running}), variants={"v2": other})


CONTROL = {"name": "a", "share": 0.5}


def test_an_arm_answers_with_its_model_scenario_and_boosts() -> None:
    boost = {"by": "popularity", "weight": 2}
    other = {"name": "b", "share": 0.5, "model": "v2", "scenario": "varied", "boosts": [boost]}
    found = snapshot(CONTROL, other)
    plans = [plan(found, user, "home") for user in USERS]
    assert {each.origin for each in plans} == {
        Origin("v1", "home", "test", "a"), Origin("v2", "home", "test", "b"),
    }  # fmt: skip
    for each in plans:
        in_b = each.arm == "b"
        assert each.definition.diversity == (0.5 if in_b else 0.0)
        assert (each.compiled().shift is not None) == in_b
        assert each.compiled() is each.compiled()


def test_other_requests_and_anonymous_users_take_no_part() -> None:
    found = snapshot(CONTROL, {"name": "b", "share": 0.5})
    assert plan(found, None, "home").origin == Origin("v1", "home")
    assert {plan(found, user, "varied").arm for user in USERS} == {None}
    assert {plan(found, user, None).arm for user in USERS} == {None}
    plain = snapshot(CONTROL, {"name": "b", "share": 0.5}, scenario=None)
    assert {plan(plain, user, None).arm for user in USERS} == {"a", "b"}


@pytest.mark.parametrize("gone", [{"model": "v3"}, {"scenario": "gone"}])
def test_an_arm_that_cannot_answer_names_no_arm(gone: dict[str, str]) -> None:
    found = snapshot(CONTROL, {"name": "b", "share": 0.5, **gone})
    origins = {plan(found, user, "home").origin for user in USERS}
    assert origins == {Origin("v1", "home", "test", "a"), Origin("v1", "home")}


def test_a_shadow_answers_nobody_and_a_part_of_the_users_may_take_part() -> None:
    shadow = {"name": "s", "share": 0, "shadow": True, "model": "v2"}
    found = snapshot({"name": "a", "share": 0.3}, shadow)
    arms = [plan(found, user, "home").arm for user in USERS]
    assert set(arms) == {"a", None}
    assert 40 < arms.count("a") < 80  # of a hash, always the same


def test_a_scenario_that_is_not_there_is_refused() -> None:
    with pytest.raises(ScenarioNotFoundError):
        plan(make_snapshot(1), "1", "home")

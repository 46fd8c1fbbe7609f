"""Runs a machine: always the same sequences, so that nothing is left to chance."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run(make: Callable[[], RuleBasedStateMachine], max_examples: int, steps: int) -> None:
    """Run so many sequences of so many steps."""
    factory: Any = make  # documented: any factory
    run_state_machine_as_test(
        factory,
        settings=settings(
            max_examples=max_examples,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

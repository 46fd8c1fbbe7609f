"""No list of any scenario, page, sample, batch or ranking breaks a rule, whatever changes."""

import pytest

from tests.stateful.rules_machine import RulesMachine
from tests.stateful.running import run
from tests.stateful.two_workers import NewDatabase


def test_no_list_breaks_a_rule(new_database: NewDatabase) -> None:
    run(lambda: RulesMachine(new_database), max_examples=2, steps=25)


@pytest.mark.slow
def test_no_list_breaks_a_rule_for_long(new_database: NewDatabase) -> None:
    run(lambda: RulesMachine(new_database), max_examples=200, steps=60)

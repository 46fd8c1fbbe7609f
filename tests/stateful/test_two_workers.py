"""Any sequence of writes and reads gives what the plain model says, on both databases."""

import pytest

from tests.stateful.running import run
from tests.stateful.two_workers import NewDatabase, TwoWorkers


def test_two_workers_do_what_the_plain_model_says(new_database: NewDatabase) -> None:
    # With fewer, a cache that ignores ratings is not noticed.
    run(lambda: TwoWorkers(new_database), max_examples=5, steps=25)


@pytest.mark.slow
def test_two_workers_do_what_the_plain_model_says_for_long(new_database: NewDatabase) -> None:
    run(lambda: TwoWorkers(new_database), max_examples=200, steps=50)

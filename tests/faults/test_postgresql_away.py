"""Faults between the service and PostgreSQL."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.service_process import serving
from tests.app.world import World
from tests.faults.checker import USERS, Checker
from tests.faults.proxy import Proxy, proxy_to

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database", ["postgresql"], indirect=True)]

# What docs/operations.md promises is 5 s; a busy machine adds to it.
MAX_BACK_S = 15.0
# Of a request that was begun before the service knew: a statement, and one more connection.
MAX_ANSWER_S = 15.0
FAULT_S = 8.0


@pytest.fixture
def behind_proxy(world: World, tmp_path: Path) -> Iterator[tuple[Proxy, Checker]]:
    with proxy_to(world.database.url) as (proxy, url):
        settings = world.settings.model_copy(update={"database_url": url})
        with serving(settings, tmp_path) as service:
            checker = Checker(service.address, world.ratings)
            checker.mixed(1)
            yield proxy, checker


def assert_refusals(checker: Checker) -> float:
    """Return the longest time of an answer while the database is known to be away."""
    with checker.slowest() as slowest:
        for _ in range(20):
            assert checker.rate("1").status == 503
            assert checker.ratings("1").status == 503
            anonymous = checker.anonymous()
            assert (anonymous.status, anonymous.degraded) == (200, True)
            ready = checker.ask("GET", "/health/ready")
            assert (ready.status, ready.body["degraded"]) == (200, "database")
            time.sleep(0.05)
    return slowest[0]


@pytest.mark.parametrize("fault", ["cut", "silent", "moved"])
def test_the_service_answers_what_it_can_and_is_back_alone(
    behind_proxy: tuple[Proxy, Checker], fault: str
) -> None:
    proxy, checker = behind_proxy
    assert checker.read("2").status == 200
    with checker.slowest() as slowest:
        (proxy.cut if fault == "cut" else proxy.silence)()
        checker.mixed(FAULT_S)
    assert slowest[0] < MAX_ANSWER_S
    refused_s = assert_refusals(checker)
    proxy.restore(moved=fault == "moved")
    back_s = checker.seconds_until_well()
    figures = f"slowest {slowest[0]:.2f} s, then {refused_s:.3f} s, back after {back_s:.2f} s"
    sys.stdout.write(f"\n{fault}: {figures}\n")  # shown with `pytest -rP`
    assert back_s < MAX_BACK_S


def test_cached_responses_are_given_while_the_database_is_away(
    behind_proxy: tuple[Proxy, Checker],
) -> None:
    proxy, checker = behind_proxy
    for _ in range(5):  # a count of likes in this very moment makes all of them invalid
        before = [checker.read(user).body for user in USERS]
        proxy.cut()
        end = time.monotonic() + MAX_ANSWER_S
        while not checker.ask("GET", "/health/ready").body["degraded"]:
            assert time.monotonic() < end
        answers = [checker.read(user) for user in USERS]
        assert all(answer.degraded for answer in answers)
        if all(answer.status == 200 for answer in answers):
            break
        proxy.restore()
        checker.seconds_until_well()
    assert [answer.body for answer in answers] == before


def test_a_slow_network_makes_answers_slow_and_not_wrong(
    behind_proxy: tuple[Proxy, Checker],
) -> None:
    proxy, checker = behind_proxy
    proxy.delay_s = 0.5
    checker.mixed(FAULT_S)
    assert {answer.status for answer in checker.answers} <= {200, 201, 503}
    proxy.restore()
    assert checker.seconds_until_well() < MAX_BACK_S

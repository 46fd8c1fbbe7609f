"""Graceful shutdown: not ready first, stopped later, and every request answered."""

import asyncio
import multiprocessing
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from app.cli.http_server import GracefulShutdown, Watch
from app.http.connections import Connections
from app.http.shutdown import new_draining, refuse_new_connections
from app.main import create_app
from tests.app.conftest import ADDRESS
from tests.app.service_process import serving
from tests.app.world import World

WAIT_S = 120
LONG = "300"


def test_a_draining_service_is_not_ready_but_answers(
    world: World,
) -> None:
    draining = new_draining()
    with TestClient(create_app(world.settings, draining), base_url=ADDRESS) as client:
        before = client.get("/movies/10")
        assert "connection" not in before.headers
        draining.value = True
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert ready.json()["detail"] == "The service is about to stop."
        assert client.get("/health/live").status_code == 200
        after = client.get("/movies/10")
        assert after.json() == before.json()
        assert after.headers["connection"] == "close"


def ask(address: str, path: str) -> tuple[int, str | None]:
    with closing(HTTPConnection(address.removeprefix("http://"), timeout=10)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers["connection"]


def until(condition: Callable[[], bool], seconds: float = WAIT_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_at_sigterm_the_service_says_so_and_goes_on_until_a_second_one(
    world: World, workers: str
) -> None:
    variables = {"RECOMMENDER_DRAIN_SECONDS": LONG, "RECOMMENDER_WORKERS": workers}
    with serving(world.settings, world.settings.models_dir.parent, **variables) as running:
        assert ask(running.address, "/health/ready") == (200, None)
        running.process.terminate()
        until(lambda: ask(running.address, "/health/ready")[0] == 503)
        for _ in range(20):  # of either worker
            assert ask(running.address, "/movies/10") == (200, "close")
        assert running.process.poll() is None
        running.process.terminate()
        assert running.process.wait(WAIT_S) in (0, -signal.SIGTERM)
    assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_service_ends_when_the_time_to_leave_is_over(world: World, workers: str) -> None:
    variables = {"RECOMMENDER_DRAIN_SECONDS": "0.5", "RECOMMENDER_WORKERS": workers}
    with serving(world.settings, world.settings.models_dir.parent, **variables) as running:
        running.process.terminate()
        assert running.process.wait(WAIT_S) == 0
    assert "Traceback" not in running.log.read_text()


def test_only_the_first_sigterm_is_waited_after() -> None:
    def waits(seconds: float, *numbers: int) -> list[bool]:
        shutdown = GracefulShutdown(new_draining(), seconds)
        return [shutdown.begins_with(number) for number in numbers]

    assert waits(5, signal.SIGTERM, signal.SIGTERM) == [True, False]
    assert waits(5, signal.SIGINT) == [False]
    assert waits(0, signal.SIGTERM) == [False]


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is one of Linux")
def test_what_the_kernel_has_accepted_can_be_answered_and_nothing_comes_behind_it() -> None:
    with socket.socket() as listening, socket.socket() as late:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        with socket.create_connection(listening.getsockname(), timeout=WAIT_S) as early:
            refuse_new_connections(listening)
            late.setblocking(False)  # noqa: FBT003
            late.connect_ex(listening.getsockname())
            accepted, _ = listening.accept()
            with accepted:
                early.sendall(b"request")
                assert accepted.recv(10) == b"request"
                accepted.sendall(b"response")
                assert early.recv(10) == b"response"
            listening.setblocking(False)  # noqa: FBT003
            with pytest.raises(BlockingIOError):
                listening.accept()


@pytest.mark.parametrize("parent", [None, True, False])
def test_a_worker_stops_when_its_main_process_has_gone(
    monkeypatch: pytest.MonkeyPatch, parent: bool | None
) -> None:
    raised: list[int] = []
    process = None if parent is None else SimpleNamespace(is_alive=lambda: parent)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: process)
    monkeypatch.setattr(signal, "raise_signal", raised.append)
    draining = new_draining()
    asyncio.run(Watch(Connections(1), draining)())
    assert raised == ([signal.SIGTERM] if parent is False else [])
    assert draining.value is (parent is False)

"""Two replicas behind the proxy of compose.yaml: each is restarted under load."""

import os
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread

import pytest

from tests.app.service_process import ServiceProcess, free_port, serving
from tests.app.test_shutdown import ask, until
from tests.app.world import World

pytestmark = pytest.mark.slow

START = Path(__file__).parents[2] / "deploy" / "haproxy" / "start.sh"
# A connection is kept for this many requests, so that both kept and new ones are interrupted.
KEPT_FOR = 5
DRAIN_S = "4"
N_DRAINS = 5


@contextmanager
def proxy(replicas: list[ServiceProcess], folder: Path) -> Iterator[str]:
    path = f"{os.environ['PATH']}:/usr/sbin"
    if shutil.which("haproxy", path=path) is None:
        pytest.skip("haproxy is not installed")
    listen = f"127.0.0.1:{free_port()}"
    places = {
        name: running.address.removeprefix("http://")
        for name, running in zip(("REPLICA_A", "REPLICA_B"), replicas, strict=True)
    }
    others = {"METRICS": f"127.0.0.1:{free_port()}", "FORWARDERS": ""}
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", START, "-db"],
            env={"PATH": path, "LISTEN": listen, **places, **others},
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: _answers(listen))
        yield listen
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def load(address: str) -> Iterator[Counter[str]]:
    """Read and write from several threads; give the answers, counted by method and status."""
    answers: Counter[str] = Counter()
    stopping = threading.Event()

    def client(number: int) -> None:
        requests = [
            ("GET", f"/recommendations/{number}", None),
            ("PUT", f"/users/load-{number}/ratings/10", '{"liked": true}'),
            ("POST", "/recommendations", '{"ratings": [{"movie_id": 10, "liked": true}]}'),
        ]
        while not stopping.is_set():
            with closing(HTTPConnection(address, timeout=20)) as connection:
                for method, path, body in (requests * KEPT_FOR)[:KEPT_FOR]:
                    answers[_send(connection, method, path, body)] += 1
            requests = requests[1:] + requests[:1]

    threads = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stopping.set()
        for thread in threads:
            thread.join(30)


def test_no_request_fails_while_one_replica_after_the_other_is_restarted(
    world: World, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        folders = [tmp_path / name for name in "ab"]
        for folder in folders:
            folder.mkdir()
        ports = [str(free_port()) for _ in folders]
        starts = [
            _start(stack, world, folder, port) for folder, port in zip(folders, ports, strict=True)
        ]
        address = stack.enter_context(proxy([running for running, _ in starts], tmp_path))
        with load(address) as answers:
            for number, (running, end) in enumerate(starts):
                until(lambda: answers["GET 200"] > 20)
                before = answers.total()
                assert running.stop() == 0
                end.close()
                assert answers.total() > before, "the other one should answer meanwhile"
                again, _ = _start(stack, world, folders[number], ports[number])
                until(lambda again=again: ask(again.address, "/health/ready")[0] == 200)  # type: ignore[misc]
                # The proxy has seen it, too, before the other one goes.
                until(lambda number=number: _is_used(tmp_path, number))  # type: ignore[misc]
    assert set(answers) <= {"GET 200", "PUT 200", "PUT 201", "POST 200"}, answers


def _start(
    stack: ExitStack, world: World, folder: Path, port: str
) -> tuple[ServiceProcess, ExitStack]:
    own = stack.enter_context(ExitStack())
    variables = {"RECOMMENDER_PORT": port, "RECOMMENDER_DRAIN_SECONDS": DRAIN_S}
    running = own.enter_context(serving(world.settings, folder, **variables))
    return running, own


def _answers(address: str) -> bool:
    try:
        return ask(address, "/health/live")[0] == 200
    except OSError:
        return False


def _is_used(folder: Path, number: int) -> bool:
    name = "ab"[number]
    return f"Server reads/{name} is UP" in (folder / "proxy.log").read_text()


def _send(connection: HTTPConnection, method: str, path: str, body: str | None) -> str:
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, HTTPException) as error:
        return f"{method} {error!r}"
    return f"{method} {answer.status}"


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_connection_is_reset_while_a_service_without_a_proxy_drains(
    world: World, tmp_path: Path, workers: str
) -> None:
    variables = {"RECOMMENDER_WORKERS": workers, "RECOMMENDER_DRAIN_SECONDS": "1"}
    for _ in range(N_DRAINS):
        with (
            serving(world.settings, tmp_path, **variables) as running,
            direct_load(running.address) as answers,
        ):
            until(lambda answers=answers: answers["200"] > 20)  # type: ignore[misc]
            assert running.stop() == 0
        assert set(answers) <= {"200", "503"}, answers


@contextmanager
def direct_load(address: str) -> Iterator[Counter[str]]:
    """Read from several threads, on new and on kept connections, until they are refused."""
    answers: Counter[str] = Counter()

    def client(*, keeps: bool) -> None:
        while True:
            with closing(HTTPConnection(address.removeprefix("http://"), timeout=20)) as connection:
                try:
                    connection.connect()
                except ConnectionRefusedError:
                    return
                stays = True
                while stays:
                    try:
                        connection.request("GET", "/recommendations/1")
                        answer = connection.getresponse()
                        answer.read()
                    except (OSError, HTTPException) as error:
                        answers[repr(error)] += 1
                        break
                    answers[str(answer.status)] += 1
                    stays = keeps and not answer.will_close

    threads = [Thread(target=client, kwargs={"keeps": n % 2 == 0}) for n in range(8)]
    for thread in threads:
        thread.start()
    yield answers
    for thread in threads:
        thread.join(30)

"""The service in processes of its own: several workers, metrics, logs, and how it stops."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.cli.http_server import listening_socket
from app.config import Settings
from app.db.engine import Database
from tests.app.service_process import free_port, processes_of, serving
from tests.app.test_shutdown import until
from tests.app.world import MOVIE_IDS, World, add_movies, make_rbm, publish


def get(address: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    request = urllib.request.Request(address, headers=headers)  # noqa: S310 (loopback)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        found = {name.lower(): value for name, value in answer.headers.items()}
        return answer.status, answer.read().decode(), found


def test_several_workers_serve_one_socket_and_one_set_of_figures(
    world: World, tmp_path: Path
) -> None:
    port = free_port()
    variables = {"RECOMMENDER_WORKERS": "2", "RECOMMENDER_METRICS_PORT": str(port)}
    with serving(world.settings, tmp_path, **variables) as running:
        end = time.monotonic() + 60
        text = ""
        while 'recommender_model_workers{version="v1"} 2.0' not in text:
            assert time.monotonic() < end, text
            text = get(f"http://127.0.0.1:{port}/metrics")[1]
            time.sleep(0.1)
        for _ in range(20):
            assert get(f"{running.address}/movies/10")[0] == 200
        line = 'recommender_http_requests_total{method="GET",route="/movies/{movie}",status="200"} '
        # A request is counted once its answer is on the way.
        until(lambda: f"{line}20.0" in get(f"http://127.0.0.1:{port}/metrics")[1])
        assert get(f"{running.address}/metrics")[1].count(line) == 1
        while "Serving on" not in running.log.read_text():
            assert time.monotonic() < end
            time.sleep(0.1)
        assert running.stop() == 0
        assert running.log.read_text().count("Serving on") == 1
    assert "Traceback" not in running.log.read_text()


def test_the_log_is_json_with_request_ids_and_nothing_personal(
    world: World, tmp_path: Path
) -> None:
    key = create_key(world.database, [Scope.READ], "")
    with serving(world.settings, tmp_path) as running:
        path = "/recommendations/somebody@example.org?limit=7"
        headers = {"Authorization": f"Bearer {key.text}", "X-Request-ID": "my-id.1"}
        _, _, answered = get(running.address + path, **headers)
        assert answered["x-request-id"] == "my-id.1"
        running.stop()
    text = running.log.read_text()
    events: list[dict[str, Any]] = [
        json.loads(line) for line in text.splitlines() if line.startswith("{")
    ]
    (event,) = [event for event in events if event.get("request_id") == "my-id.1"]
    assert event["message"].startswith("GET /recommendations/{user} 200 ")
    assert event["level"] == "info"
    assert event["logger"] == "recommender.access"
    assert (event["method"], event["route"], event["status"], event["key"]) == (
        "GET", "/recommendations/{user}", 200, key.prefix,
    )  # fmt: skip
    assert event["milliseconds"] >= 0
    for secret in ("somebody", key.secret, "limit=7"):
        assert secret not in text


def exchange(address: tuple[str, int], parts: list[bytes], pause: threading.Event) -> bytes:
    """Send a request in two parts; the second when `pause` is over."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(parts[0])
        pause.wait(20)
        connection.sendall(parts[1])
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_request_under_way_is_finished_when_the_service_is_told_to_stop(
    migrated_sqlite_file: Path, tmp_path: Path, workers: str
) -> None:
    settings = _settings(migrated_sqlite_file, tmp_path)
    body = b'{"liked": true}'
    head = (
        b"PUT /users/me/ratings/10 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    with serving(settings, tmp_path, RECOMMENDER_WORKERS=workers) as running:
        address = ("127.0.0.1", int(running.address.rpartition(":")[2]))
        pause, answers = threading.Event(), []
        thread = threading.Thread(
            target=lambda: answers.append(exchange(address, [head + body[:5], body[5:]], pause))
        )
        thread.start()
        time.sleep(0.5)
        running.process.terminate()
        time.sleep(1)
        assert running.process.poll() is None, "it should wait for the request"
        pause.set()
        thread.join(20)
        assert answers[0].startswith(b"HTTP/1.1 201 ")
        assert running.process.wait(20) in (0, -15)
    assert "Traceback" not in running.log.read_text()


def _settings(migrated: Path, folder: Path) -> Settings:
    """A small world in SQLite: these tests are about processes, not about databases."""
    (folder / "own.db").write_bytes(migrated.read_bytes())
    settings = Settings(database_url=f"sqlite:///{folder / 'own.db'}", models_dir=folder / "models")
    database = Database(settings.database_url)
    add_movies(database, MOVIE_IDS)
    publish(database, settings.models_dir, "v1", make_rbm(seed=1))
    database.dispose()
    return settings


def test_accepted_connections_send_without_delay() -> None:
    delays = []

    async def accept_one(listening: socket.socket) -> None:
        accepted = asyncio.Event()

        def on_connection(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            delays.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()
            accepted.set()

        async with await asyncio.start_server(on_connection, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            await asyncio.wait_for(accepted.wait(), 10)
            writer.close()

    with listening_socket(Settings(port=0)) as listening:
        asyncio.run(accept_one(listening))
    assert delays == [1]


@pytest.mark.parametrize("loaded", ["before", "after"])
def test_matrix_products_use_the_threads_of_the_setting(loaded: str) -> None:
    lines = ["import numpy", "limit_blas_threads(1)"]
    code = "\n".join(
        [
            "from app.cli.session import limit_blas_threads",
            *(lines if loaded == "before" else lines[::-1]),
            "import threadpoolctl",
            "pools = [p for p in threadpoolctl.threadpool_info() if p['user_api'] == 'blas']",
            "print({pool['num_threads'] for pool in pools})",
        ]
    )
    environment = {name: value for name, value in os.environ.items() if "THREADS" not in name}
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert shown.strip() == "{1}"


@pytest.mark.slow
def test_workers_end_and_free_the_port_when_the_main_process_is_killed(
    migrated_sqlite_file: Path, tmp_path: Path
) -> None:
    settings = _settings(migrated_sqlite_file, tmp_path)
    variables = {"RECOMMENDER_WORKERS": "2", "RECOMMENDER_PORT": str(free_port())}
    with serving(settings, tmp_path, **variables) as running:
        until(lambda: "Serving on" in running.log.read_text())
        main = running.process.pid
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        assert len(children) >= 2
        running.process.kill()
        # One that is still starting, on a busy machine, notices when it serves.
        until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), 120)
    with serving(settings, tmp_path, **variables) as running:
        assert get(f"{running.address}/health/live")[0] == 200


@pytest.mark.slow
def test_workers_that_get_no_processor_for_a_while_stay_and_one_that_dies_is_replaced(
    migrated_sqlite_file: Path, tmp_path: Path
) -> None:
    settings = _settings(migrated_sqlite_file, tmp_path)
    port = free_port()
    variables = {"RECOMMENDER_WORKERS": "2", "RECOMMENDER_METRICS_PORT": str(port)}
    both_serve = 'recommender_model_workers{version="v1"} 2.0'
    with serving(settings, tmp_path, **variables) as running:
        until(lambda: both_serve in get(f"http://127.0.0.1:{port}/metrics")[1], 60)
        until(lambda: "Serving on" in running.log.read_text(), 60)
        workers = [
            child
            for child in processes_of(running.process.pid)
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        assert len(workers) == 2
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        time.sleep(15)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        assert get(f"{running.address}/health/live")[0] == 200
        assert "is replaced" not in running.log.read_text()
        os.kill(workers[1], signal.SIGKILL)
        said = f"worker {workers[1]} has ended and is replaced"
        until(lambda: said in running.log.read_text(), 60)
        until(lambda: both_serve in get(f"http://127.0.0.1:{port}/metrics")[1], 60)


@pytest.mark.slow
def test_a_flood_of_half_sent_requests_ends_and_meanwhile_others_are_answered(
    migrated_sqlite_file: Path, tmp_path: Path
) -> None:
    settings = _settings(migrated_sqlite_file, tmp_path)
    n_descriptors = 512
    with ExitStack() as opened, serving(settings, tmp_path, n_descriptors) as running:
        host, port = "127.0.0.1", int(running.address.rpartition(":")[2])
        half_sent = []
        for n in range(2000):
            half = opened.enter_context(socket.create_connection((host, port), timeout=30))
            half.sendall(b"GET /movies/10 HTTP/1.1\r\nHost: localhost\r\n")
            half_sent.append(half)
            if n % 100 == 0:
                assert get(f"{running.address}/movies/10")[0] == 200
                assert get(f"{running.address}/health/live")[0] == 200
        assert len(list(Path(f"/proc/{running.process.pid}/fd").iterdir())) < n_descriptors
        # Those that made room for others, then those whose time was over.
        ends = Counter(_end_of(half)[:12] for half in half_sent)
        assert set(ends) <= {b"", b"HTTP/1.1 408"}
        assert ends[b""] > ends[b"HTTP/1.1 408"] > 0
        running.stop()
        lines = running.log.read_text().splitlines()
        assert 0 < sum("closed connections" in line for line in lines) < 60
        assert not any("Too many open files" in line or "Traceback" in line for line in lines)


def _end_of(connection: socket.socket) -> bytes:
    """Return what the service sends until it closes."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass  # closed before it had read all
    return received

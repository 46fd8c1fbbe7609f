"""Memory stays flat however often movies change and likes are counted."""

import gc
import http.client
import json
import statistics
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.http.middleware.response_cache import ResponseCache
from app.live.model_reloader import ModelReloader
from tests.app.service_process import environment, free_port
from tests.app.world import World, add_movies, make_rbm, publish

ROOT = Path(__file__).parents[2]
# As `recommender serve`, but likes are counted after every change, not once a minute.
SERVE = """
import sys
from app.live import model_reloader
model_reloader.RECOUNT_S = model_reloader.RECOUNT_SHARE = 0
model_reloader.POLL_S = 0.01
sys.argv[1:] = ["serve"]
from app.__main__ import main
main()
"""
N_MOVIES = 1_000
N_CHANGES = 1_000
WARM_UP = 300
FLAT_MIB = 5.0


def test_cached_responses_keep_no_snapshot_alive(client: TestClient) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    current = services.find(ModelReloader).current
    for path in ("/recommendations/1", "/recommendations/nobody", "/movies/50/similar"):
        assert client.get(path).status_code == 200
    assert len(services.find(ResponseCache)) == 3
    replaced = weakref.ref(current.snapshot.popular), weakref.ref(current.snapshot.model.positions)
    client.patch("/movies/10", json={"title": "Another"})
    gc.collect()
    assert [array() for array in replaced] == [None, None]


class Client:
    """A client on one kept connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status in (200, 201), content
        return json.loads(content)

    def read(self, number: int) -> None:
        """Read a cached response, and one of some that will be cached."""
        for _ in range(2):
            self.ask("GET", "/recommendations/1?limit=20")
        self.ask("GET", f"/recommendations/1?limit={1 + number % 100}&explain=0")


def anonymous_mib(pid: int) -> float:
    """Memory of a process without what is mapped from files, such as the weights (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def growth(step: Callable[[int], None], pid: int) -> float:
    """Return how much more memory there is after all steps than after the first ones."""
    mib = []
    for number in range(WARM_UP + N_CHANGES):
        step(number)
        mib.append(anonymous_mib(pid))
    first, last = mib[WARM_UP : WARM_UP + 50], mib[-50:]
    return statistics.median(last) - statistics.median(first)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_thousand_changes_of_movies_and_counts_of_likes_leave_memory_flat(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    movie_ids = list(range(1000, 1000 + N_MOVIES))
    add_movies(world.database, movie_ids)
    publish(world.database, settings.models_dir, "v2", make_rbm(1, movie_ids, n_hidden=50))
    port, log = free_port(), tmp_path / "service.log"
    variables = {"RECOMMENDER_PORT": str(port), "RECOMMENDER_ADDRESS_RATE_LIMIT": "0"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env=environment(settings, **variables), cwd=ROOT, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        client = Client(until_serving(process, port))
        with closing(client.connection):

            def change(number: int) -> None:
                path = f"/movies/{movie_ids[number % N_MOVIES]}"
                client.ask("PATCH", path, {"title": f"Number {number}"})
                client.read(number)

            def count(number: int) -> None:
                before = counted(world)
                path = f"/users/{number % 7}/ratings/{movie_ids[number % N_MOVIES]}"
                client.ask("PUT", path, {"stars": 1 + number % 5})
                while counted(world) == before:
                    time.sleep(0.005)
                client.read(number)

            by_changes, by_counts = growth(change, process.pid), growth(count, process.pid)
    finally:
        process.terminate()
        process.wait(30)
    print(f"changes of movies {by_changes:+.1f} MiB, counts of likes {by_counts:+.1f} MiB")  # noqa: T201
    assert abs(by_changes) <= FLAT_MIB
    assert abs(by_counts) <= FLAT_MIB


def until_serving(process: subprocess.Popen[bytes], port: int) -> int:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        client = Client(port)
        with closing(client.connection):
            try:
                client.ask("GET", "/health/ready")
            except OSError:
                time.sleep(0.05)
            else:
                return port
    raise AssertionError("the service does not answer")


def counted(world: World) -> Any:
    """Return the name of the counts that all workers share."""
    with world.database.read() as connection:
        return connection.exec_driver_sql("SELECT generation FROM shared_counts").scalar()

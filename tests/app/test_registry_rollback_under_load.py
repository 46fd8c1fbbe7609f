"""Models change under a service of several processes while clients go on asking it."""

import http.client
import json
import threading
import time
import urllib.request
from collections import Counter
from contextlib import closing
from itertools import cycle, pairwise
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest

from app.registry.service import activate, rollback
from app.store.folder import ModelStore
from tests.app.service_process import ServiceProcess, free_port, serving
from tests.app.world import World, make_rbm, publish

PATHS = [f"/recommendations/{user}?limit=5" for user in (1, 2, 3, 4, "newcomer", "stranger")]


class Crowd:
    """Clients that ask one after the other, each on a connection that stays with one worker."""

    def __init__(self, address: str, n_clients: int) -> None:
        self.address = urlsplit(address).netloc
        self.statuses: Counter[int] = Counter()
        self.failures: list[Exception] = []
        self.seen: list[list[str]] = [[] for _ in range(n_clients)]
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(seen,)) for seen in self.seen]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, seen: list[str]) -> None:
        with closing(http.client.HTTPConnection(self.address, timeout=20)) as connection:
            try:
                for path in cycle(PATHS):
                    if self._stopping.is_set():
                        return
                    connection.request("GET", path)
                    response = connection.getresponse()
                    body = json.load(response)
                    self.statuses[response.status] += 1
                    seen.append(body.get("model"))
                    time.sleep(0.005)  # the tests beside this one want to get on as well
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.failures.append(error)


def wait_until_all_serve(metrics_port: int, version: str) -> float:
    """Wait until both workers say so; return how long that took."""
    begin = time.monotonic()
    line = f'recommender_model_workers{{version="{version}"}} 2.0'
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics") as response:
            text = response.read().decode()
        if line in text:
            return time.monotonic() - begin
        assert time.monotonic() < begin + 60, text
        time.sleep(0.02)


def change_models(
    world: World, running: ServiceProcess, metrics_port: int, rounds: int
) -> list[float]:
    """Activate a model and roll it back, again and again; how long the workers took each time."""
    database, models_dir = world.database, world.settings.models_dir
    wait_until_all_serve(metrics_port, "v1")
    seconds = []
    with Crowd(running.address, 4) as crowd:
        for _ in range(rounds):
            activate(database, ModelStore(models_dir), "v2")
            seconds.append(wait_until_all_serve(metrics_port, "v2"))
            assert rollback(database, ModelStore(models_dir)) == "v1"
            seconds.append(wait_until_all_serve(metrics_port, "v1"))
            counted = [len(seen) for seen in crowd.seen]
            while any(len(seen) < n + 3 for seen, n in zip(crowd.seen, counted, strict=True)):
                assert not crowd.failures
                time.sleep(0.01)
    assert crowd.failures == []
    assert set(crowd.statuses) == {200}
    for seen in crowd.seen:
        changes = [after for before, after in pairwise(seen) if before != after]
        # Never back and forth: each change is loaded once, the last response is of the last model.
        assert len(changes) <= 2 * rounds
        assert seen[-1] == "v1"
    assert any("v2" in seen for seen in crowd.seen)
    return seconds


def prove(world: World, folder: Path, rounds: int) -> list[float]:
    publish(world.database, world.settings.models_dir, "v2", make_rbm(seed=2), active=False)
    port = free_port()
    variables = {
        "RECOMMENDER_WORKERS": "2",
        "RECOMMENDER_METRICS_PORT": str(port),
        "RECOMMENDER_LOG_LEVEL": "warning",
    }
    with serving(world.settings, folder, **variables) as running:
        seconds = change_models(world, running, port, rounds)
        assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()
    return seconds


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_rollback_under_load_fails_no_request_and_reaches_every_worker(
    world: World, tmp_path: Path
) -> None:
    prove(world, tmp_path, rounds=1)


@pytest.mark.slow
def test_models_can_change_all_the_time_under_load(world: World, tmp_path: Path) -> None:
    seconds = prove(world, tmp_path, rounds=15)
    print(f"median {sorted(seconds)[len(seconds) // 2]:.2f} s, longest {max(seconds):.2f} s")  # noqa: T201

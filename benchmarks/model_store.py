"""What workers do with a store of models that is slow, gone or damaged.

    python -m benchmarks.model_store [--away 60] [--publications 3] [--json FILE]

Starts an S3-compatible server (rclone) behind a proxy, and two services that share a database and
the store, each with a folder of its own; a client asks both for lists that are not cached all the
time. Shows how long both take to serve a model after its publication, and what becomes of requests
while the store is slow, gone for a minute, or holds a damaged object. Ends with 1 if a promise is
broken: no request fails, and a published model is served within 2 s + its download.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from app.config import Settings
from app.core.remote import RemoteFolder
from app.db.engine import Database
from app.db.model_versions import checksum
from app.registry import repository
from app.registry.service import publish
from app.store.remote import RemoteStore
from benchmarks.serving_world import make_world, random_rbm, settings_of
from tests.app import service_process
from tests.app.object_store import BUCKET, ObjectStore, object_store
from tests.app.service_process import ServiceProcess, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

N_MOVIES, N_HIDDEN = 9_700, 500
PATIENCE_S = 10.0
FOLLOW_S = 2.0
PAUSE_S = 0.02  # of the client, between two requests of one service
WAIT_S = 180.0
URL = f"s3://{BUCKET}/models"


class Load:
    """Asks services for lists until it is stopped, and counts what came of it."""

    def __init__(self, services: list[ServiceProcess], key: str) -> None:
        self.n_requests = 0
        self.failures: list[str] = []
        self.slowest_s = 0.0
        self._key, self._stopping = key, Event()
        self._threads = [Thread(target=self._ask, args=(each,), daemon=True) for each in services]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop asking."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _ask(self, service: ServiceProcess) -> None:
        for number in count(1):
            if self._stopping.wait(PAUSE_S):
                return
            begin = time.monotonic()
            try:
                get(service, f"/recommendations/usual?limit={number % 100 + 1}", self._key)
            except OSError as error:
                self.failures.append(str(error))
            self.n_requests += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - begin)


class Trial:
    """Two services, their database and their store."""

    def __init__(self, folder: Path, objects: ObjectStore, key: str) -> None:
        self.folder, self.objects, self.key = folder, objects, key
        self.database = Database(settings_of(folder).database_url)
        self.store = RemoteStore(RemoteFolder(URL), folder / "trainer", 10**10)
        self.services: list[ServiceProcess] = []
        self.rows: list[dict[str, Any]] = []
        self.broken: list[str] = []
        self._names = count(1)

    @contextmanager
    def phase(self, name: str) -> Iterator[dict[str, Any]]:
        """Ask for lists during the block; its figures become a row."""
        figures: dict[str, Any] = {"what": name}
        load = Load(self.services, self.key)
        try:
            yield figures
        finally:
            load.stop()
        figures |= {
            "requests": load.n_requests,
            "failed": len(load.failures),
            "slowest_s": round(load.slowest_s, 2),
        }
        self.rows.append(figures)
        print(json.dumps(figures), flush=True)
        self.promise(not load.failures, f"{name}: requests failed: {load.failures[:3]}")

    def promise(self, kept: object, what: str) -> None:
        """Note what is broken, unless it is kept."""
        if not kept:
            self.broken.append(what)

    def publish(self, *, activate: bool = True) -> str:
        """Publish a model from a third machine."""
        rbm = random_rbm(N_MOVIES, N_HIDDEN)
        return publish(self.database, self.store, rbm, {}, activate=activate)

    def activate(self, version: str) -> None:
        """Make a version the active one."""
        with self.database.unit_of_work() as connection:
            repository.activate(connection, version)

    def download_s(self, version: str) -> float:
        """How long two machines take to copy a model at once."""
        with self.database.read() as connection:
            sha256 = checksum(connection, version)
        stores = [
            RemoteStore(self.store.remote, self.folder / f"fresh-{next(self._names)}", 0)
            for _ in self.services
        ]
        begin = time.monotonic()
        with ThreadPoolExecutor() as pool:
            for copied in [pool.submit(store.hold, version, sha256) for store in stores]:
                copied.result()
        return time.monotonic() - begin

    def followed_s(self, version: str) -> float:
        """How long it takes from now until both services serve a model."""
        begin, waiting = time.monotonic(), list(self.services)
        while waiting and time.monotonic() < begin + WAIT_S:
            waiting = [each for each in waiting if ready(each)["model"] != version]
            time.sleep(0.02)
        self.promise(not waiting, f"{version} is not served after {WAIT_S} s")
        return time.monotonic() - begin

    def metric(self, name: str) -> list[float]:
        """Return the value of a metric of each service."""
        texts = [get(each, "/metrics", self.key).decode() for each in self.services]
        return [
            sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if begins(line, name))
            for text in texts
        ]


def begins(line: str, name: str) -> bool:
    """Tell whether a line is a sample of a metric."""
    return line.startswith((f"{name} ", f"{name}{{"))


def get(service: ServiceProcess, path: str, key: str) -> bytes:
    """Ask a service."""
    request = urllib.request.Request(  # noqa: S310 (our own address)
        f"{service.address}{path}", headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as response:  # noqa: S310
        content: bytes = response.read()
        return content


def ready(service: ServiceProcess) -> dict[str, Any]:
    """Return what a service says of itself."""
    found: dict[str, Any] = json.loads(get(service, "/health/ready", ""))
    return found


def publications(trial: Trial, n: int) -> None:
    """Publish, and see when both services serve it."""
    for number in range(1, n + 1):
        with trial.phase(f"publication {number}") as figures:
            begin = time.monotonic()
            version = trial.publish()
            figures["published_s"] = round(time.monotonic() - begin, 2)
            followed = trial.followed_s(version)
            download = trial.download_s(version)
            figures |= {"followed_s": round(followed, 2), "download_s": round(download, 2)}
        trial.promise(followed <= FOLLOW_S + download, f"publication {number}: {followed:.1f} s")


def slow(trial: Trial, delay_s: float) -> None:
    """Publish while every part of an answer of the store comes later."""
    with trial.phase(f"store answers {delay_s * 1000:.0f} ms later") as figures:
        version = trial.publish()
        trial.activate("v1")
        for service in trial.services:
            wait_until(service, "v1")
        trial.objects.proxy.delay_s = delay_s
        third = trial.publish()
        figures["followed_s"] = round(trial.followed_s(third), 2)
        trial.objects.proxy.delay_s = 0.0
        trial.promise(version != third, "one version was drawn twice")


def away(trial: Trial, seconds: float) -> None:
    """Activate another model while the store is gone."""
    waiting = trial.publish(activate=False)
    served = {ready(each)["model"] for each in trial.services}
    with trial.phase(f"store gone for {seconds:.0f} s") as figures:
        trial.objects.proxy.cut()
        trial.activate(waiting)
        time.sleep(seconds)
        states = [ready(each) for each in trial.services]
        trial.promise({state["model"] for state in states} == served, "a model was lost")
        trial.promise(
            all(state["degraded"] == "model_store" for state in states), "not said in health"
        )
        trial.promise(set(trial.metric("recommender_model_store_up")) == {0.0}, "store_up is not 0")
        trial.promise(set(trial.metric("recommender_workers_behind")) == {1.0}, "not behind")
        trial.objects.proxy.restore()
        figures["followed_s"] = round(trial.followed_s(waiting), 2)


def damaged(trial: Trial) -> None:
    """Activate a model of which a bit was changed in the store."""
    version = trial.publish(activate=False)
    path = trial.objects.bucket / "models" / version / "W.npy"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    served = {ready(each)["model"] for each in trial.services}
    with trial.phase("damaged object") as figures:
        trial.activate(version)
        end = time.monotonic() + WAIT_S
        while min(trial.metric("recommender_models_refused_total")) < 1 and time.monotonic() < end:
            time.sleep(0.1)
        figures["refused"] = trial.metric("recommender_models_refused_total")
        trial.promise(min(figures["refused"]) >= 1, "a damaged model is not counted")
        trial.promise(
            {ready(each)["model"] for each in trial.services} == served, "a damaged model is served"
        )


def wait_until(service: ServiceProcess, version: str) -> None:
    """Wait until a service serves a version."""
    while ready(service)["model"] != version:
        time.sleep(0.02)


def show(rows: list[dict[str, Any]]) -> None:
    """Print the rows as a table."""
    names = ["what", "requests", "failed", "slowest_s", "published_s", "followed_s", "download_s"]
    print(" | ".join(names))
    for row in rows:
        print(" | ".join(str(row.get(name, "")) for name in names))


def main() -> int:
    """Run the trial; return 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description="A store of models that fails, under load.")
    parser.add_argument("--away", type=float, default=60, help="seconds without a store")
    parser.add_argument("--publications", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    service_process.MAX_START_S = int(WAIT_S)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        objects = stack.enter_context(object_store(folder))
        os.environ.update(objects.environment)
        key = make_world(folder, N_MOVIES, N_HIDDEN)
        trial = Trial(folder, objects, key)
        trial.store.folder.mkdir()
        trial.store.put(settings_of(folder).models_dir / "v1", "v1")
        for name in "ab":
            own = folder / name
            own.mkdir()
            settings = Settings(
                database_url=settings_of(folder).database_url, models_dir=own / "models"
            )
            variables = {"RECOMMENDER_MODELS_URL": URL, "RECOMMENDER_KEY_RATE_LIMIT": "0"}
            trial.services.append(stack.enter_context(serving(settings, own, **variables)))
        trial.promise(
            all(ready(each)["model"] == "v1" for each in trial.services), "the start serves v1"
        )
        publications(trial, arguments.publications)
        slow(trial, 0.02)
        away(trial, arguments.away)
        damaged(trial)
    show(trial.rows)
    for what in trial.broken:
        print(f"BROKEN: {what}")
    if arguments.json:
        report = {"at": datetime.now(UTC).isoformat(), "rows": trial.rows, "broken": trial.broken}
        arguments.json.write_text(json.dumps(report, indent=2))
    return 1 if trial.broken else 0


if __name__ == "__main__":
    sys.exit(main())

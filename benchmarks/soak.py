"""Thirty minutes of all that happens to the service, with clients that check every response.

    python -m benchmarks.soak [--minutes 30] [--postgresql] [--clients 4] [--json FILE]

Starts `recommender serve` with two workers. Clients on kept connections read and write
(`benchmarks.soak_clients`); beside them movies change, releases are imported in each other's place,
models are trained, activated and rolled back, and back-ups are made, as operators do it: by
command and by request. The caches and pools are filled first: what they hold is bounded, and no
leak. Prints a line a minute, and exits with 1 if a response was wrong, if memory has grown by more
than 3 % after the warm-up (a third of the time), or if a process has 5 descriptors more: its pool
of connections grows by one or two with the requests that happen to meet, and one that is left
behind by each import, training or activation would be more. Memory is what belongs to a process
alone (RssAnon); both are judged from 10 minutes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import count, cycle
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.db.engine import Database
from app.db.schema import upgrade
from benchmarks.soak_clients import LIMITS, Client, KeptConnection, RefusedError
from tests import postgresql
from tests.app.service_process import ServiceProcess, environment, processes_of, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N_MOVIES, N_PEOPLE, RATINGS_EACH = 300, 150, 40
FIRST_OWN_MOVIE = 10_000
JUDGED_FROM_S = 600.0
MAX_GROWTH = 0.03
MAX_MORE_DESCRIPTORS = 4
WARM_UP = 1 / 3
SAMPLE_S = 5.0
# 16,000 lists as the clients ask for, of 7 kB on average: more than the caches of two workers hold.
WARMING_CONNECTIONS, WARMING_REQUESTS, WARMING_THREADS = 32, 500, 16
REFUSED_BY_GATE = 3  # the exit code
ERASED_MEANWHILE = "a user was erased during the training"


class Sample(NamedTuple):
    """Memory and descriptors of the processes of the service."""

    seconds: float
    mib: dict[int, float]
    descriptors: dict[int, int]


def write_release(folder: Path, seed: int) -> Path:
    """Write a data set: people who like one half of the movies or the other."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    movies = [f"{id_},Movie Number {id_} (1990),Comedy|Drama" for id_ in range(1, N_MOVIES + 1)]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *movies]) + "\n")
    lines = ["userId,movieId,rating,timestamp"]
    for person in range(N_PEOPLE):
        for row in rng.choice(N_MOVIES, RATINGS_EACH, replace=False):
            likes = (row % 2 == person % 2) != (rng.random() < 0.15)
            lines.append(f"release-{seed}-{person},{row + 1},{4.5 if likes else 2.0},{10**9 + row}")
    path = folder / f"release-{seed}.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


class Operator:
    """Changes movies and models, imports, trains and backs up, beside the clients."""

    def __init__(
        self, running: ServiceProcess, settings: Settings, key: str, folder: Path,
        counts: Counter[str],
    ) -> None:  # fmt: skip
        self.address, self.key, self.counts = running.address, key, counts
        self.environment = environment(settings)
        self.folder = folder
        self.releases = [write_release(folder / f"release-{seed}", seed) for seed in (1, 2)]
        self.wrong: list[str] = []
        self.movies = Lock()  # an import replaces movies: nobody else changes them meanwhile

    def command(self, *arguments: str) -> None:
        """Run a command; a training may be refused by the gate, or given up for an erasure."""
        done = subprocess.run(  # noqa: S603 (ourselves)
            [sys.executable, "-m", "app", *arguments],
            env=self.environment, cwd=Path(__file__).parents[1], capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        self.counts[arguments[0]] += 1
        if ERASED_MEANWHILE in done.stderr:
            self.counts["trainings given up"] += 1
        elif done.returncode not in {0, REFUSED_BY_GATE} or "Traceback" in done.stderr:
            self.note(f"recommender {' '.join(arguments)}: {done.returncode} {done.stderr[-500:]}")

    def note(self, text: str) -> None:
        """Record what went wrong."""
        self.counts["wrong"] += 1
        self.wrong.append(text)

    def run(self, end: Event) -> None:
        """Go through all commands again and again."""
        connection = KeptConnection(self.address, self.key, self.counts)
        for release in cycle(self.releases[::-1]):
            for step in (
                lambda: self.command("retrain", "--epochs", "3", "--hidden", "16"),
                lambda: self.change_models(connection),
                self.back_up,
                lambda: self.replace(release),  # noqa: B023 - called at once
                lambda: self.command("train", "--epochs", "2", "--hidden", "16"),
            ):
                if end.is_set():
                    return
                self.attempt(step)
                end.wait(3)

    def attempt(self, step: Callable[[], None]) -> None:
        """Do a step; note a failure, and go on."""
        try:
            step()
        except RefusedError:
            pass
        except Exception as error:
            self.note(f"operator: {type(error).__name__} {error}")

    def replace(self, release: Path) -> None:
        """Import a release in place of the other one."""
        with self.movies:
            self.command("import", str(release), "--replace", "--yes")

    def back_up(self) -> None:
        """Make a back-up, check it, delete it."""
        path = self.folder / "backup.tar"
        self.command("backup", str(path))
        self.command("backup", "--verify", str(path))
        path.unlink(missing_ok=True)

    def change_models(self, connection: KeptConnection) -> None:
        """Activate another model, and roll back."""
        models = connection.ask("GET", "/models").json()["items"]
        served = [model for model in models if model["state"] == "published"]
        for model in served[:2]:
            body = {"version": model["version"]}
            answer = connection.ask("PUT", "/models/active", body)
            active = connection.ask("GET", "/models/active").json()["version"]
            if (answer.status, active) != (200, model["version"]):
                self.note(f"activation: {answer.status} {answer.body.decode()[:300]}")
            self.counts["activations"] += 1
        answer = connection.ask("POST", "/models/rollback")
        if answer.status not in {200, 409}:  # 409: there is none before
            self.note(f"rollback: {answer.status} {answer.body.decode()[:300]}")

    def edit(self, end: Event) -> None:
        """Change movies all the time, and read each change back."""
        connections = [KeptConnection(self.address, self.key, self.counts) for _ in range(2)]
        number = 0
        while not end.wait(0.2):
            number += 1
            with self.movies:
                self.attempt(lambda: self.edit_one(connections, number))  # noqa: B023

    def edit_one(self, connections: list[KeptConnection], number: int) -> None:
        """Add or replace a movie that nobody rates, or change one of the release."""
        changing, other = connections[:: 1 if number % 3 else -1]
        if number % 2:
            movie = FIRST_OWN_MOVIE + number % 50
            body = {"title": f"Number {number}", "genres": ["Western"]}
            answer = changing.ask("PUT", f"/movies/{movie}", body)
        else:
            movie = 1 + number % N_MOVIES
            body = {"genres": ["Horror", f"G{number % 7}"]}
            answer = changing.ask("PATCH", f"/movies/{movie}", body)
        self.counts["changes of movies"] += 1
        stored = other.ask("GET", f"/movies/{movie}")
        listed = changing.ask("GET", f"/movies?id={movie}").json()["items"]
        for what in (answer.json(), stored.json(), *(listed or [{}])):
            if any(what.get(name) != value for name, value in body.items()):
                self.note(f"movie {movie} is {what}, not {body}")


def warm_up(address: str, key: str, counts: Counter[str]) -> None:
    """Fill what is bounded and no leak: the response cache and the connections of each worker."""
    numbers = count(FIRST_OWN_MOVIE)

    def ask_for_lists(_: int) -> None:
        connection = KeptConnection(address, key, counts)  # the kernel chooses its worker
        for _ in range(WARMING_REQUESTS):
            excluded = next(numbers)  # each list is a new one
            user = f"release-1-{excluded % N_PEOPLE}"
            with suppress(RefusedError):
                query = f"limit={LIMITS[excluded % 3]}&explain={excluded % 4}&exclude={excluded}"
                connection.ask("GET", f"/recommendations/{user}?{query}")
        connection.close()

    with ThreadPoolExecutor(WARMING_THREADS) as threads:
        list(threads.map(ask_for_lists, range(WARMING_CONNECTIONS)))
    counts["requests to warm up"] = next(numbers) - FIRST_OWN_MOVIE


def sample(pids: list[int], since: float) -> Sample:
    """Measure the processes now."""
    mib = {}
    for pid in pids:
        status = Path(f"/proc/{pid}/status").read_text()
        mib[pid] = int(status.partition("RssAnon:")[2].split()[0]) / 1024
    descriptors = {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids}
    return Sample(time.monotonic() - since, mib, descriptors)


def line(minute: float, counts: Counter[str], now: Sample) -> str:
    """Return the line of a minute."""
    memory = " ".join(f"{value:.1f}" for value in now.mib.values())
    descriptors = " ".join(map(str, now.descriptors.values()))
    numbers = ", ".join(f"{counts[name]:,} {name}" for name in counts if name != "requests")
    return (
        f"{minute:5.1f} min  {counts['requests']:,} requests, {counts['wrong']} wrong; "
        f"MiB {memory}; descriptors {descriptors}; {numbers}"
    )


def judge(samples: list[Sample], seconds: float) -> dict[str, Any]:
    """Compare memory and descriptors after the warm-up with those at the end."""
    first = [s for s in samples if WARM_UP <= s.seconds / seconds < WARM_UP + 0.1]
    last = [s for s in samples if s.seconds >= 0.9 * seconds]
    figures: dict[str, Any] = {"memory_growth": {}, "more_descriptors": {}}
    for pid in samples[0].mib if first and last else ():
        before, after = (statistics.median(s.mib[pid] for s in part) for part in (first, last))
        figures["memory_growth"][pid] = after / before - 1
        # SQLite and the pool open more for a moment: the fewest are those that stay.
        few, later = (min(s.descriptors[pid] for s in part) for part in (first, last))
        figures["more_descriptors"][pid] = later - few
    return figures


def soak(
    settings: Settings, key: str, folder: Path, seconds: float, n_clients: int
) -> dict[str, Any]:
    """Run everything for so long; return the figures."""
    counts: Counter[str] = Counter(requests=0, wrong=0)
    variables: dict[str, Any] = {
        "RECOMMENDER_WORKERS": "2",
        "RECOMMENDER_LOG_LEVEL": "warning",
        "RECOMMENDER_KEY_RATE_LIMIT": "0",
    }
    samples: list[Sample] = []
    end, begin = Event(), time.monotonic()
    with serving(settings, folder, **variables) as running:
        operator = Operator(running, settings, key, folder, counts)
        operator.command("import", str(operator.releases[0]))
        operator.command("train", "--epochs", "2", "--hidden", "16")
        warm_up(running.address, key, counts)
        movies = range(1, N_MOVIES + 1)
        clients = [
            Client(running.address, key, f"client-{n}", movies, counts) for n in range(n_clients)
        ]
        jobs = [client.run for client in clients] + [operator.run, operator.edit]
        threads = [Thread(target=job, args=(end,)) for job in jobs]
        pids, begin = processes_of(running.process.pid), time.monotonic()
        for thread in threads:
            thread.start()
        shown = 0.0
        while (passed := time.monotonic() - begin) < seconds:
            time.sleep(min(SAMPLE_S, seconds - passed))
            samples.append(sample(pids, begin))
            if samples[-1].seconds >= shown + 60 or samples[-1].seconds >= seconds:
                shown = samples[-1].seconds
                print(line(shown / 60, counts, samples[-1]), flush=True)
        end.set()
        for thread in threads:
            thread.join()
        replaced = set(pids) != set(processes_of(running.process.pid))
    wrong = [*operator.wrong, *(text for client in clients for text in client.wrong)]
    if replaced:
        wrong.append("a process of the service has ended")
    if "Traceback" in running.log.read_text():
        wrong.append(running.log.read_text()[-3000:])
    return {"counts": dict(counts), "wrong": wrong, **judge(samples, seconds)}


def failures(figures: dict[str, Any], seconds: float) -> Iterator[str]:
    """Tell what is not as it should be."""
    yield from figures["wrong"]
    if seconds < JUDGED_FROM_S:
        return
    for pid, growth in figures["memory_growth"].items():
        if growth > MAX_GROWTH:
            yield f"the memory of process {pid} has grown by {growth:.1%}"
    for pid, more in figures["more_descriptors"].items():
        if more > MAX_MORE_DESCRIPTORS:
            yield f"process {pid} has {more} descriptors more"


def main() -> None:
    """Run the soak, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--json", type=Path, help="file for the figures")
    arguments = parser.parse_args()
    seconds = 60 * arguments.minutes
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'recommender.db'}"
        if arguments.postgresql:
            server = stack.enter_context(postgresql.server(folder))
            url = server.create(migrated=False).render_as_string(hide_password=False)
        settings = Settings(database_url=url, models_dir=folder / "models")
        database = Database(url)
        upgrade(database)
        key = create_key(database, list(Scope), "soak").text
        database.dispose()
        figures = soak(settings, key, folder, seconds, arguments.clients)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    found = list(failures(figures, seconds))
    print("\n".join(found[:20]))
    growth = max(figures["memory_growth"].values(), default=0.0)
    more = max(figures["more_descriptors"].values(), default=0)
    print(
        f"{figures['counts']['requests']:,} requests, {len(figures['wrong'])} wrong; "
        f"memory after the warm-up {growth:+.1%} at most, descriptors {more:+d} at most"
    )
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()

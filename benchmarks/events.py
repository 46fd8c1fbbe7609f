"""How fast events come in through `POST /events`, beside writing the same rows without a service.

    python -m benchmarks.events [--events 1000000] [--batches 5000 100] [--clients 4]
        [--databases sqlite postgresql] [--workers 1]

Starts `recommender serve` on 10,000 movies and no users. Clients, on kept connections, send events
of 50,000 users in batches; bodies are made before. Then the rows of all tables that this filled
are written into a new database with the same tables: by `executemany` on SQLite, by `COPY` on
PostgreSQL, in one transaction. Prints events per second and their ratio.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, Table, insert, select, update

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.db.engine import Database
from app.db.schema import upgrade
from app.db.tables import events, installation, movies, ratings, seen_movies, users
from benchmarks.overload import environment_of, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

N_USERS, N_MOVIES = 50_000, 10_000
# As in a shop: many clicks, few opinions.
SHARES = {
    "clicked": 0.6, "watched": 0.2, "purchased": 0.08, "rated": 0.05, "seen": 0.04, "hidden": 0.02,
    "liked": 0.01,
}  # fmt: skip
MONTH_S, NOW = 30 * 86_400, 1_767_225_600
TABLES = (users, events, ratings, seen_movies)


@contextmanager
def two_databases(kind: str) -> Iterator[tuple[Path, str, str]]:
    """Give a folder and the addresses of two databases without tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "sqlite":
            yield folder, f"sqlite:///{folder / 'one.db'}", f"sqlite:///{folder / 'two.db'}"
            return
        from tests import postgresql  # noqa: PLC0415 - how the tests have one

        with postgresql.server(folder) as server:
            with server.admin() as connection:  # as careful as one that somebody relies on
                for setting in postgresql.CARELESS:
                    reset = f"ALTER SYSTEM RESET {setting.partition(' ')[0]}"
                    connection.exec_driver_sql(reset)
                connection.exec_driver_sql("SELECT pg_reload_conf()")
            one, two = (
                server.create(migrated=False).render_as_string(hide_password=False)
                for _ in range(2)
            )
            yield folder, one, two


def draw(n_events: int) -> list[dict[str, Any]]:
    """Draw events of users and movies of which few are frequent, in the order of their times."""
    rng = np.random.default_rng(3)
    kinds = rng.choice(list(SHARES), n_events, p=list(SHARES.values())).tolist()
    people = (N_USERS * rng.random(n_events) ** 2).astype(int).tolist()
    things = (1 + N_MOVIES * rng.random(n_events) ** 3).astype(int).tolist()
    times = np.sort(NOW - rng.integers(0, MONTH_S, n_events)).astype("datetime64[s]").tolist()
    names, numbers = rng.bytes(16 * n_events), rng.random(n_events).round(3).tolist()
    values: dict[str, Any] = {"watched": lambda x: {"share": x}}
    values["rated"] = lambda x: {"stars": 0.5 + 0.5 * int(9 * x)}
    return [
        {
            "event_id": str(UUID(bytes=names[16 * number : 16 * number + 16])),
            "user": f"customer-{people[number]}",
            "movie_id": things[number],
            "kind": kind,
            **values.get(kind, lambda _: {})(numbers[number]),
            "occurred_at": f"{times[number].isoformat()}Z",
        }
        for number, kind in enumerate(kinds)
    ]


def prepare(url: str) -> str:
    """Make the tables and the movies; return a key."""
    database = Database(url)
    upgrade(database)
    rows = [
        {"id": id_, "title": f"Movie {id_}", "genres": ["Drama"]} for id_ in range(1, N_MOVIES + 1)
    ]
    with database.unit_of_work() as connection:
        connection.execute(insert(movies), rows)
    key = create_key(database, [Scope.WRITE], "events").text
    database.dispose()
    return key


def post(port: int, key: str, bodies: Sequence[bytes], n_clients: int) -> float:
    """Send all bodies; return how many seconds it took."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    failed: list[str] = []

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for body in bodies[number::n_clients]:
            while True:
                connection.request("POST", "/events", body, headers)
                response = connection.getresponse()
                answer = response.read()
                if response.status != 503:  # else busy
                    break
                time.sleep(0.05)
            if response.status != 200 or answer.count(b'"status":201') != body.count(b'"kind"'):
                failed.append(answer[:500].decode())
                return

    threads = [threading.Thread(target=client, args=(number,)) for number in range(n_clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(failed[0])
    return time.perf_counter() - begin


def rows_of(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    """Return the rows as the driver gives and takes them."""
    found = connection.exec_driver_sql(f"SELECT * FROM {table.name}")  # noqa: S608 (our own name)
    return [tuple(row) for row in found]


def write_bare(source: str, target: str) -> float:
    """Copy the rows from one database into another; return how long the writing took."""
    prepare(target)
    database, before = Database(target), Database(source)
    with before.read() as connection:
        rows = {table: rows_of(connection, table) for table in TABLES}
        revision = connection.execute(select(installation.c.ratings_revision)).scalar_one()
    begin = time.perf_counter()
    with database.unit_of_work() as connection:
        driver: Any = connection.connection.driver_connection
        for table, values in rows.items():
            if database.is_sqlite:
                marks = ", ".join("?" * len(table.c))
                statement = f"INSERT INTO {table.name} VALUES ({marks})"  # noqa: S608 (the same)
                connection.exec_driver_sql(statement, values)
            else:
                with driver.cursor().copy(f"COPY {table.name} FROM STDIN") as copy:
                    for row in values:
                        copy.write_row(row)
        connection.execute(update(installation).values(ratings_revision=revision))
    seconds = time.perf_counter() - begin
    database.dispose()
    before.dispose()
    return seconds


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--batches", type=int, nargs="+", default=[5000, 100])
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    arguments = parser.parse_args()
    n_events = arguments.events
    drawn = [json.dumps(event).encode() for event in draw(n_events)]
    for name in arguments.databases:
        for size in arguments.batches:
            bodies = [
                b'{"events":[' + b",".join(drawn[begin : begin + size]) + b"]}"
                for begin in range(0, n_events, size)
            ]
            with two_databases(name) as (folder, url, target):
                key = prepare(url)
                environment = environment_of(url, folder / "models")
                environment["RECOMMENDER_WORKERS"] = str(arguments.workers)
                with serving(environment, folder / "service.log", None) as (port, _):
                    served = n_events / post(port, key, bodies, arguments.clients)
                bare = n_events / write_bare(url, target)
            print(
                f"{name:<12} batches of {size:>5}: {served:>8,.0f} events/s served, "
                f"{bare:>9,.0f} bare, ratio {served / bare:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

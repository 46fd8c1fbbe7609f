"""An import killed at any moment leaves the database as it was, or imported as a whole."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pytest
from sqlalchemy import insert, text

from app.datasets.service import import_release
from app.db import tables
from app.db.engine import Database
from tests.app.small_releases import at, contents, large_release, ratings

# Reads the names of releases; imports each in a process of its own, in place of the one before.
# Forked, since loading all that an import needs takes longer than the import.
IMPORTER = """
import os, sys
from app.db.engine import Database
from app.datasets.service import import_release
from tests.app.small_releases import at, large_release

for line in sys.stdin:
    release = large_release(line.strip())
    pid = os.fork()
    if pid == 0:
        print(os.getpid(), flush=True)
        import_release(Database(sys.argv[1]), release, replace=True, now=at(100_000))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Importer:
    """A process that imports, and can be killed while it does."""

    def __init__(self, database: Database) -> None:
        url = database.url.render_as_string(hide_password=False)
        root = Path(__file__).parents[2]
        self.database = database
        self.process = subprocess.Popen(
            [sys.executable, "-c", IMPORTER, url],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def kill(self, release: str, after: float) -> None:
        """Begin to import a release, and kill the process that does after so many seconds."""
        assert self.process.stdin is not None
        print(release, file=self.process.stdin, flush=True)
        pid = int(self._read_line())
        time.sleep(after)
        with suppress(ProcessLookupError):  # it may have come to its end
            os.kill(pid, signal.SIGKILL)
        assert int(self._read_line()) in {0, -signal.SIGKILL}
        if not self.database.is_sqlite:
            self._wait_for_the_server()

    def _read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def _wait_for_the_server(self) -> None:
        """Wait until the server has noticed that the other end of a connection is dead."""
        self.database.dispose()
        others = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with self.database.read() as connection:
                if connection.execute(others).scalar_one() == 0:
                    return
            time.sleep(0.02)
        raise TimeoutError("the server does not end the transaction of a dead process")


def outline(database: Database) -> dict[str, Any]:
    """Return what two imports of the same release have in common."""
    rows = contents(database)
    return {
        "datasets": rows["datasets"],
        "movies": rows["movies"],
        "users": sorted((key, str(origin)) for _, key, _, origin in rows["users"]),
        "ratings": ratings(database),
    }


def rate_as_a_stranger(database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(
            insert(tables.movies).values(id=1, title="Movie 1", year=1995, genres=[])
        )
        connection.execute(insert(tables.users).values(id=1_000_000, key="me", ratings_revision=0))
        connection.execute(
            insert(tables.ratings).values(user_id=1_000_000, movie_id=1, liked=True, rated_at=at(7))
        )


def check_kills(database: Database, n_kills: int) -> None:
    """Import A and B in turn, each time in place of the other, and kill most of the imports."""
    rate_as_a_stranger(database)
    whole, seconds = {}, {}
    for name in ("A", "B"):
        release = large_release(name)
        begin = time.monotonic()
        import_release(database, release, replace=True, now=at(100_000))
        seconds[name] = time.monotonic() - begin
        whole[name] = outline(database)
    assert whole["A"] != whole["B"]
    held, n_killed = "B", 0
    moments = random.Random()  # noqa: S311 - any moments do
    with Importer(database) as importer:
        for number in range(n_kills):
            name = "B" if held == "A" else "A"
            before = contents(database)
            # Spread over the whole time and a little longer, at random within each part.
            after = (number + moments.random()) / n_kills * 1.1 * seconds[name]
            importer.kill(name, after)
            if contents(database) == before:
                n_killed += 1
            else:
                assert outline(database) == whole[name], f"killed after {after} s"
                held = name
    assert n_killed > 0


def test_a_killed_import_changes_nothing_or_all(database: Database) -> None:
    check_kills(database, n_kills=6)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_import_killed_at_fifty_moments_changes_nothing_or_all(database: Database) -> None:
    check_kills(database, n_kills=50)

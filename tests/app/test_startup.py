"""Modules that the start of the service does not import."""

import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from app.db import schema as migrating

ROOT = Path(__file__).parent.parent.parent


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("path_separator", "os")
    assert migrating.head() == ScriptDirectory.from_config(config).get_current_head()


def test_revisions_have_consecutive_numbers() -> None:
    """Which one is the next is known by its number; skipping one is for those that break."""
    names = sorted(path.name[:4] for path in migrating.FOLDER.glob("versions/[0-9]*.py"))
    assert names == [f"{number:04d}" for number in range(1, len(names) + 1)]
    assert migrating.head() == names[-1]


def loaded_by(code: str, unwanted: set[str]) -> set[str]:
    """Run this in a fresh process; tell which of the modules it has loaded."""
    code += f"; import sys; print(*{unwanted} & sys.modules.keys())"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_serving_begins_without_what_it_does_not_need() -> None:
    code = "import app.main, app.db.schema; app.main.create_app(); app.db.schema.head()"
    training = {"numba", "optuna", "pandas", "pyarrow", "scipy"}
    later = {"jinja2", "rapidfuzz"}  # with the first page, and the first search
    on_postgresql = {"psycopg", "sqlalchemy.dialects.postgresql"}
    traces = {"opentelemetry.sdk", "opentelemetry.exporter"}
    never = {"alembic", "mako", "rich.progress", "sqlalchemy.orm"}
    assert loaded_by(code, training | later | on_postgresql | traces | never) == set()


def test_back_ups_are_scheduled_without_what_training_needs() -> None:
    """The service's image makes them."""
    training = {"numba", "optuna", "pandas", "pyarrow", "scipy"}
    assert loaded_by("import app.backup.schedule, app.cli.backup", training) == set()


def test_the_command_says_what_it_can_do_without_loading_what_does_it() -> None:
    heavy = {"fastapi", "numpy", "pandas", "pydantic", "rich.progress", "sqlalchemy"}
    assert loaded_by("import app.cli.main", heavy) == set()

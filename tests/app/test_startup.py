"""What the start of the service does without."""

import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from app import migrating

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


def test_serving_does_not_import_alembic() -> None:
    code = (
        "import sys, app.main, app.migrating\n"
        "app.main.create_app(); app.migrating.head()\n"
        "print(*sorted({'alembic', 'mako', 'psycopg'} & sys.modules.keys()))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []

"""A rolling update: the version before serves the schema of this one.

The version before is the last commit with an older newest migration. Its own tests of the API run
on databases that are brought to the newest revision by the migrations of this tree.
"""

import os
import re
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from app.db import schema as migrating

ROOT = Path(__file__).parents[2]
VERSIONS = "migrations/versions"

# Where the functions that migrate are, today and in older versions.
MIGRATING = ("app/db/schema.py", "app/migrating.py")

# A back-up is of one revision: that of a newer schema is left to the version that knows it.
OF_ONE_REVISION = {"test_backup.py"}
NOT_OF_ONE_REVISION = "not restore"

# Loaded by pytest before any test of the older tree is: what that tree calls migrating to its
# newest revision goes on to the newest of this one.
PLUGIN = """
from importlib import import_module

from alembic import command

migrating = import_module({module!r})

assert migrating.__file__.startswith({tree!r}), "this is not the older version"
upgrade = migrating.upgrade


def upgrade_further(database, revision="head"):
    upgrade(database, revision)
    if revision == "head":
        with database.unit_of_work(alters_schema=True) as connection:
            config = migrating._config(connection)
            config.set_main_option("script_location", {migrations!r})
            command.upgrade(config, "head")
            if {stamped!r}:
                command.stamp(config, {stamped!r})


migrating.upgrade = upgrade_further

# That tree does not know every table, so it cannot empty a database for the next test.
Server = import_module("tests.postgresql").Server
Server.take_back = Server.drop
"""


def git(*arguments: str) -> bytes:
    try:
        return subprocess.run(
            ["git", *arguments],  # noqa: S607 (whichever git there is)
            cwd=ROOT, capture_output=True, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"there is no git history here ({error})")


def newest_revision(commit: str) -> str:
    listed = git("ls-tree", "--name-only", commit, f"{VERSIONS}/").decode()
    return max(re.findall(r"/(\d{4})_\w+\.py$", listed, re.MULTILINE), default="")


def commit_before() -> str:
    """Return the last commit whose newest revision is older than that of this tree."""
    # HEAD first: the migration of this tree may not be committed yet.
    for commit in ("HEAD", *git("log", "--format=%H", "--", VERSIONS).decode().split()):
        for candidate in (commit, f"{commit}~"):
            if newest_revision(candidate) < migrating.head():
                return candidate
    pytest.skip("the history does not go back to an older revision")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_version_before_passes_its_tests_of_the_api_on_the_new_schema(tmp_path: Path) -> None:
    commit = commit_before()
    tree = tmp_path / "before"
    with tarfile.open(fileobj=BytesIO(git("archive", commit))) as archive:
        archive.extractall(tree, filter="data")
    # Versions from before this rule serve the revision that they know alone, whatever another one
    # brings; of them everything else is tested.
    source = next(path for path in MIGRATING if (tree / path).exists())
    serves_the_next = "def is_served" in (tree / source).read_text()
    plugin = PLUGIN.format(
        module=source.removesuffix(".py").replace("/", "."),
        tree=str(tree),
        migrations=str(migrating.FOLDER),
        stamped=None if serves_the_next else newest_revision(commit),
    )
    (tree / "newer_schema.py").write_text(plugin)
    tests = sorted(
        str(path.relative_to(tree))
        for path in (tree / "tests" / "app").glob("test_*.py")
        if "TestClient" in path.read_text() and path.name not in OF_ONE_REVISION
    )
    assert len(tests) > 10
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "newer_schema", "-n", "0", "-q",
         "-k", NOT_OF_ONE_REVISION, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]

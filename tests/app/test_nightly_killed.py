"""Nightly lists are the same after kills at any moment, in a file and in the table."""

import time
from pathlib import Path

import pytest

from app.config import Settings
from app.datasets.contents import Format
from app.db.engine import Database
from app.nightly import service as writing
from data.progress import ignore_progress
from tests.app.test_nightly import fill, in_table, service_of
from tests.killing import kill_after, moments

N_KILLS = 10


def make(url: str, models_dir: Path, path: Path | None) -> None:
    writing.PART = 1
    service = service_of(Database(url), models_dir)
    if path is None:
        service.write_table(models_dir, ignore_progress)
    else:
        service.write_file(path, Format.PARQUET, ignore_progress)


@pytest.mark.slow
@pytest.mark.parametrize("into", ["file", "table"])
def test_kills_at_any_moment_change_no_list(
    database: Database, settings: Settings, tmp_path: Path, into: str
) -> None:
    fill(database, settings.models_dir)
    url = settings.database_url
    path = tmp_path / "lists.parquet" if into == "file" else None
    begin = time.monotonic()
    assert not kill_after(None, make, url, settings.models_dir, path)
    took = time.monotonic() - begin

    def made() -> object:
        return path.read_bytes() if path else in_table(database)

    expected, n_killed = made(), 0
    for moment in moments(N_KILLS, took):
        n_killed += kill_after(moment, make, url, settings.models_dir, path)
        assert made() == expected
    assert n_killed
    assert not kill_after(None, make, url, settings.models_dir, path)
    assert made() == expected

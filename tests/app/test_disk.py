"""Metrics of the room on the disks."""

import shutil
import tempfile
from collections import namedtuple
from pathlib import Path

import pytest

from app.config import Settings
from app.core import metrics
from app.core.disk import DiskMonitor, folders

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024 (as shutil's own)


def recorded(name: str) -> dict[str, float]:
    gauges = (metrics.disk_free_bytes, metrics.disk_size_bytes)
    return {
        sample.name: sample.value
        for gauge in gauges
        for family in gauge.collect()
        for sample in family.samples
        if sample.labels["folder"] == name
    }


def test_the_room_on_the_disk_of_each_folder_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def usage(folder: Path) -> Usage:
        asked.append(folder)
        return Usage(100, 70, 30)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    later = tmp_path / "later" / "models"
    DiskMonitor(Settings(database_url="postgresql://h/d", models_dir=later)).poll()
    assert asked == [tmp_path, Path(tempfile.gettempdir())], "one that is not there yet, too"
    assert recorded("models") == {
        "recommender_disk_free_bytes": 30, "recommender_disk_size_bytes": 100,
    }  # fmt: skip


def test_the_disk_of_the_database_counts_where_it_is_a_file(tmp_path: Path) -> None:
    def database(url: str) -> Path | None:
        return folders(Settings(database_url=url)).get("database")

    assert database(f"sqlite:///{tmp_path}/some.db") == tmp_path
    assert database("sqlite:///some.db") == Path()
    assert database("sqlite://") is None
    assert database("postgresql://somewhere/db") is None

"""The generator of a store's event log, and the log that it makes."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.event_log import event_log, main
from data.mapping import Mapping
from tests.data.test_mapped_files import read


def test_a_log_is_the_same_by_its_seed() -> None:
    pd.testing.assert_frame_equal(event_log(500, seed=3), event_log(500, seed=3))
    assert not event_log(500, seed=3).equals(event_log(500, seed=4))


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
def test_its_mapping_reads_the_log_whole(name: str, tmp_path: Path) -> None:
    main(["--rows", "2000", "--output", str(tmp_path / name)])
    release = read(tmp_path / name, Mapping.from_toml(tmp_path / "mapping.toml"))
    events = release.events
    assert events is not None
    assert len(events) == 2000
    assert events["event_id"].is_unique
    kinds = {"clicked", "purchased", "watched", "rated", "hidden"}
    assert set(events["kind"]) == kinds
    assert set(events["kind"][events["value"].notna()]) == {"watched", "rated"}
    assert events.duplicated(["user", "movie_id", "kind"]).mean() > 0.2
    assert release.movies["key"].str.startswith("sku-").all()

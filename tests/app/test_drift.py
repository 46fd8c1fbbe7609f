"""How much the ratings have changed since the served model was trained, as metrics."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from textwrap import dedent

import pytest
from sqlalchemy import select

from app.core import metrics
from app.core.metrics import Drift
from app.db.engine import Database
from app.db.tables import installation
from app.live.drift import Origin
from app.live.model_reloader import ModelReloader
from app.registry import repository
from app.store.folder import ModelStore
from model import artifact
from tests.app.world import MOMENT, World, activate, make_rbm

HERE = "salt of this database"


def card(salt: str = HERE, **data: object) -> dict:
    return {"holdout": {"salt": salt}, "data": data}


def drift_with(world: World, version: str, document: dict) -> Drift:
    """Publish a model with this card, let a worker take it over, and ask it."""
    sha256 = artifact.save(world.settings.models_dir / version, make_rbm(2), document)
    with world.database.unit_of_work() as connection:
        repository.add(connection, version, document, sha256, MOMENT)
    activate(world.database, version)
    return drift(world)


def drift(world: World) -> Drift:
    server = ModelReloader(world.database, ModelStore(world.settings.models_dir), 4.0)
    server.refresh()
    return server.drift()


def salt_of(database: Database) -> str:
    with database.read() as connection:
        return connection.execute(select(installation.c.holdout_salt)).scalar_one()


def n_ratings(world: World) -> int:
    return sum(len(rated) for rated in world.ratings.values())


def test_ratings_since_count_from_those_that_the_model_was_trained_on(world: World) -> None:
    document = card(salt_of(world.database), n_ratings=n_ratings(world) - 7)
    assert drift_with(world, "drifting", document).ratings_since == 7


def test_the_share_of_ratings_on_unknown_movies_is_counted(world: World) -> None:
    unknown = sum(movie_id > 350 for rated in world.ratings.values() for movie_id in rated)
    assert unknown > 0
    expected = unknown / n_ratings(world)
    assert drift_with(world, "drifting", card()).unknown_share == pytest.approx(expected)


def test_the_age_is_that_of_the_ratings_that_were_read(world: World) -> None:
    taken_at = datetime.now(UTC) - timedelta(days=3)
    age_s = drift_with(world, "drifting", card(taken_at=taken_at.isoformat())).age_s
    assert age_s / timedelta(days=1).total_seconds() == pytest.approx(3, abs=0.1)


def test_without_a_model_there_is_no_drift(world: World) -> None:
    activate(world.database, None)
    assert all(isnan(figure) for figure in drift(world))


def test_the_figures_are_metrics(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Other services of this process record theirs too, whenever they look at their database.
    recorded: list[Drift] = []
    monkeypatch.setattr(metrics, "record_drift", recorded.append)
    share = drift(world).unknown_share
    assert share in [entry.unknown_share for entry in recorded]


def test_each_figure_is_the_metric_of_its_name() -> None:
    texts = separate_exposition("""
        from app.core import metrics
        from app.core.metrics import Drift
        metrics.record_drift(Drift(age_s=86400.0, ratings_since=7.0, unknown_share=0.25))
        print(metrics.exposition().decode())
    """)
    assert "recommender_model_age_seconds 86400.0" in texts
    assert "recommender_ratings_since_model 7.0" in texts
    assert "recommender_unknown_film_ratings_share 0.25" in texts


def separate_exposition(program: str) -> list[str]:
    """Give the lines that a process of its own prints, where no service overwrites figures."""
    command = [sys.executable, "-c", dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_ratings_of_another_database_say_nothing_about_those_here() -> None:
    assert isnan(Origin.of(card("another", n_ratings=5), HERE).ratings_since(9))
    assert Origin.of(card(n_ratings=5), HERE).ratings_since(9) == 4


@pytest.mark.parametrize("text", [None, "yesterday", "2026-11-20T10:15:00", 5])
def test_a_card_that_does_not_say_when_gives_no_age(text: object) -> None:
    assert isnan(Origin.of(card(taken_at=text), HERE).age_s())


def test_an_older_card_says_when_it_was_written() -> None:
    origin = Origin.of({"created_at": "2026-11-20T10:15:00+00:00"}, HERE)
    assert origin.read_at == datetime(2026, 11, 20, 10, 15, tzinfo=UTC)


def test_figures_are_read_again_while_a_worker_begins_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beginning = tmp_path / "gauge_livesum_1.db"
    beginning.touch()

    def finish(_: float) -> None:
        beginning.unlink()

    monkeypatch.setenv(metrics.SHARED_FOLDER, str(tmp_path))
    monkeypatch.setattr(metrics, "sleep", finish)
    assert metrics.exposition() == b""
    assert not beginning.exists()

"""Nightly lists are those of the API, for all users, and a run that was stopped is gone on with."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert, select, update

from app.config import Settings
from app.datasets.contents import Format
from app.db.engine import Database
from app.db.tables import installation, nightly_lists, scenario_versions, users
from app.live.model_reloader import ModelReloader
from app.nightly import lists as making
from app.nightly import service as writing
from app.nightly.errors import ListsInProgressError
from app.nightly.lists import NightlyLists
from app.nightly.parts import LOCK, Parts, opened
from app.nightly.service import NightlyService
from app.ratings import user_repository
from app.recommendations.errors import ScenarioNotFoundError
from app.recommendations.options import BatchRequest, RecommendationsQuery
from app.recommendations.schemas import Recommendations
from app.recommendations.service import RecommendationService
from app.store.folder import ModelStore
from data.progress import ignore_progress
from model.rbm import RBM
from tests.app.command_line import Run, runner
from tests.app.world import (
    MODEL_MOVIE_IDS,
    MOMENT,
    MOVIE_IDS,
    add_movies,
    add_ratings,
    draw_ratings,
    publish,
)
from tests.model.machines import with_everything

USERS = ["1", "2", "3", "4", "5", "6", "newcomer", "avant-garde"]
SCENARIOS: dict[str, dict[str, Any]] = {
    "boosted": {
        "filters": {"year_from": 1960, "exclude": [30, 50]},
        "boosts": [
            {"by": "popularity", "weight": 1.5}, {"by": "recency", "weight": -1},
            {"by": "genre", "genre": "Drama", "weight": 0.5},
        ],
        "number": 4,
    },
    "pinned": {"pins": [{"movie_id": 200, "position": 2}], "diversity": 0.3},
}  # fmt: skip


def machine() -> RBM:
    rbm = with_everything(3, len(MODEL_MOVIE_IDS))
    return replace(rbm, movie_ids=np.array(MODEL_MOVIE_IDS, dtype=np.int64))


def fill(database: Database, models_dir: Path) -> None:
    add_movies(database, MOVIE_IDS)
    add_ratings(database, draw_ratings())
    publish(database, models_dir, "v1", machine())
    put_scenarios(database)


def put_scenarios(database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(update(installation).values(rules_revision=1))
        for name, definition in SCENARIOS.items():
            connection.execute(
                insert(scenario_versions).values(
                    name=name, version=1, definition=definition, changed_at=MOMENT, changed_by="i"
                )
            )


def service_of(
    database: Database,
    models_dir: Path,
    *,
    top: int = 5,
    scenario: str | None = None,
    changed_since: int = -1,
) -> NightlyService:
    models = ModelReloader(database, ModelStore(models_dir), 4.0)
    models.poll()
    recommendations = RecommendationService(database, models.current, 4.0)
    lists = NightlyLists(recommendations, top, scenario)
    assert models.state is not None
    return NightlyService(lists, models.state, changed_since)


@pytest.fixture
def service(database: Database, settings: Settings) -> NightlyService:
    fill(database, settings.models_dir)
    return service_of(database, settings.models_dir)


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> Path:
    folder = tmp_path_factory.mktemp("nightly")
    shutil.copyfile(migrated_sqlite_file, folder / "own.db")
    database = Database(f"sqlite:///{folder / 'own.db'}")
    fill(database, folder / "models")
    database.dispose()
    return folder


@pytest.fixture
def folder(filled_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(filled_once, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(folder, monkeypatch, capsys)


def asked(service: NightlyService, user: str) -> Recommendations:
    query: dict[str, Any] = {"limit": service.lists.top, "explain": 0}
    if service.lists.scenario is not None:
        query["scenario"] = service.lists.scenario
    found = RecommendationsQuery.model_validate(query)
    return service.lists.recommendations.recommend(user, found)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("scenario", [None, "boosted", "pinned"])
def test_the_lists_are_those_of_the_api(
    database: Database, settings: Settings, scenario: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, settings.models_dir)
    service = service_of(database, settings.models_dir, scenario=scenario)
    by_api: list[str] = []
    way = RecommendationService.recommend_batch

    def counted(self: RecommendationService, request: BatchRequest) -> Any:
        by_api.extend(request.users)
        return way(self, request)

    monkeypatch.setattr(RecommendationService, "recommend_batch", counted)
    for user, made in zip(USERS, service.lists.of(USERS), strict=True):
        answer = asked(service, user)
        expected = [(item.movie_id, item.source.value) for item in answer.items]
        assert [(row.movie, row.source) for row in made] == expected
        assert [row.position for row in made] == list(range(1, len(made) + 1))
        assert {row.recommendation_id for row in made} <= {answer.recommendation_id}
        for row, item in zip(made, answer.items, strict=True):
            assert row.score == pytest.approx(item.score, abs=2e-6)
            assert row.like_probability == pytest.approx(item.like_probability, abs=2e-6)
    assert set(by_api) == (set(USERS) if scenario == "pinned" else {"newcomer", "avant-garde"})


@pytest.mark.parametrize("format_", list(Format))
def test_a_file_has_the_lists_of_all_users_and_nothing_is_left_beside_it(
    run: Run, folder: Path, format_: Format
) -> None:
    path = folder / f"lists.{format_.value}"
    done = run("export", "recommendations", "--top", "3", "--output", str(path))
    assert (done.code, done.err) == (0, "")
    assert "of 8 users are in" in done.out
    assert "--changed-since 1" in done.out
    rows = read(path, format_)
    assert [(row["user"], row["position"]) for row in rows] == [
        (user, position) for user in USERS for position in (1, 2, 3)
    ]
    assert set(rows[0]) == set(making.Row._fields)
    assert not list(folder.glob(".lists*"))


def read(path: Path, format_: Format) -> list[dict[str, Any]]:
    if format_ is Format.PARQUET:
        return pq.read_table(path).to_pylist()
    with path.open() as file:
        if format_ is Format.JSONL:
            return [json.loads(line) for line in file]
        return [{**row, "position": int(row["position"])} for row in csv.DictReader(file)]


def test_standard_output_has_the_lists_alone(run: Run) -> None:
    done = run("export", "recommendations", "--top", "1")
    assert [line.split(",")[0] for line in done.out.splitlines()] == ["user", *USERS]


class StoppedError(Exception):
    """In place of a kill."""


def stop_after(monkeypatch: pytest.MonkeyPatch, n_parts: int) -> Callable[[], None]:
    """Stop behind so many parts of two users each; the result undoes it."""
    add, left = Parts.add, n_parts
    monkeypatch.setattr(writing, "PART", 2)

    def counted(self: Parts, *arguments: Any) -> None:
        nonlocal left
        if not left:
            raise StoppedError
        left -= 1
        add(self, *arguments)

    monkeypatch.setattr(Parts, "add", counted)
    return lambda: monkeypatch.setattr(Parts, "add", add)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_run_that_was_stopped_is_gone_on_with(
    service: NightlyService, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = tmp_path / "whole.csv", tmp_path / "lists.csv"
    service.write_file(whole, Format.CSV, ignore_progress)
    resume = stop_after(monkeypatch, 3)
    with pytest.raises(StoppedError):
        service.write_file(path, Format.CSV, ignore_progress)
    assert not path.exists()
    resume()
    again = service_of(service.database, settings.models_dir)
    reported: list[tuple[int, int | None]] = []
    done = again.write_file(path, Format.CSV, lambda _, *done: reported.append(done))
    assert (done.n_users, done.resumed) == (2, True)
    assert reported == [(6, 8), (8, 8)]
    assert path.read_bytes() == whole.read_bytes()
    assert again.write_file(path, Format.CSV, ignore_progress).n_users == 8


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", ["model", "rules", "top", "age"])
def test_what_is_no_longer_the_same_begins_anew(
    service: NightlyService,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    path, database = tmp_path / "lists.csv", service.database
    resume = stop_after(monkeypatch, 2)
    with pytest.raises(StoppedError):
        service.write_file(path, Format.CSV, ignore_progress)
    resume()
    if change == "model":
        publish(database, settings.models_dir, "v2", machine())
    if change == "rules":
        with database.unit_of_work() as connection:
            connection.execute(update(installation).values(rules_revision=2))
    if change == "age":
        monkeypatch.setattr("app.nightly.parts.MAX_AGE_S", 0.0)
    again = service_of(database, settings.models_dir, top=4 if change == "top" else 5)
    done = again.write_file(path, Format.CSV, ignore_progress)
    assert (done.n_users, done.resumed) == (8, False)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_changed_since_a_run_is_told_from_its_beginning(
    service: NightlyService, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = stop_after(monkeypatch, 1)
    with pytest.raises(StoppedError):
        service.write_file(tmp_path / "lists.csv", Format.CSV, ignore_progress)
    resume()
    with service.database.unit_of_work() as connection:
        user_repository.advance_revision(connection, user_repository.ensure(connection, "1"))
    again = service_of(service.database, settings.models_dir)
    done = again.write_file(tmp_path / "lists.csv", Format.CSV, ignore_progress)
    assert (done.revision, done.resumed) == (1, True)
    changed = service_of(service.database, settings.models_dir, changed_since=done.revision)
    done = changed.write_file(tmp_path / "changed.csv", Format.CSV, ignore_progress)
    assert (done.n_users, done.revision) == (1, 2)
    rows = read(tmp_path / "changed.csv", Format.CSV)
    assert {row["user"] for row in rows} == {"1"}


def test_the_table_has_the_lists_of_the_scenario_and_forgets_an_erased_user(
    service: NightlyService, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = service.database
    service.write_table(settings.models_dir, ignore_progress)
    other = service_of(database, settings.models_dir, scenario="boosted")
    resume = stop_after(monkeypatch, 2)
    with pytest.raises(StoppedError):
        other.write_table(settings.models_dir, ignore_progress)
    resume()
    assert other.write_table(settings.models_dir, ignore_progress).n_users == 4
    stored = in_table(database)
    assert stored == {
        (user, scenario.lists.scenario or "", row.position): (row.movie, row.score)
        for scenario in (service, other)
        for user, rows in zip(USERS, scenario.lists.of(USERS), strict=True)
        for row in rows
    }
    with database.unit_of_work() as connection:
        user_repository.erase(connection, "3", MOMENT)
    service.write_table(settings.models_dir, ignore_progress)
    assert in_table(database) == {key: row for key, row in stored.items() if key[0] != "3"}


def in_table(database: Database) -> dict[tuple[str, str, int], tuple[int, float]]:
    columns = nightly_lists.c
    query = select(
        users.c.key, columns.scenario, columns.position, columns.movie_id, columns.score
    ).join(users, users.c.id == columns.user_id)
    with database.read() as connection:
        return {tuple(row[:3]): tuple(row[3:]) for row in connection.execute(query)}  # type: ignore[misc]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_two_processes_do_not_make_the_same_lists(service: NightlyService, tmp_path: Path) -> None:
    folder = tmp_path / ".lists.csv.unfinished"
    with opened(folder, {}, ()), pytest.raises(ListsInProgressError, match="locked"):
        service.write_file(tmp_path / "lists.csv", Format.CSV, ignore_progress)
    assert (folder / LOCK).exists()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_scenario_that_is_not_there_is_refused(
    service: NightlyService, settings: Settings
) -> None:
    with pytest.raises(ScenarioNotFoundError):
        service_of(service.database, settings.models_dir, scenario="nowhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ratings", "--top", "3"), "--top: is for recommendations"),
        (("movies", "--into-table"), "--into-table: is for recommendations"),
        (("recommendations", "--into-table", "-o", "a.csv"), "--into-table: writes no file"),
        (("recommendations", "-o", "a.xls"), "the suffix of a.xls"),
        (("recommendations", "-o", "none/a.csv"), "there is no folder none"),
        (("recommendations", "--scenario", "nowhere"), "no scenario nowhere"),
        (("recommendations", "--top", "101"), "'--top'"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_line(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    done = run("export", *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1

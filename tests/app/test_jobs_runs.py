"""Training runs: one at a time, held by a lease; asked for and followed over HTTP."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.db.engine import Database
from app.db.model_versions import active_version
from app.db.sql import now
from app.db.tables import training_runs
from app.jobs import repository
from app.jobs.errors import (
    LeaseLostError,
    RunNotQueuedError,
    TrainingInProgressError,
    TrainingRunNotFoundError,
)
from app.jobs.lease import Lease, hold_lease
from app.jobs.schemas import Failure, RunState, TrainingOptions
from app.jobs.service import (
    find_run,
    follow_run,
    list_runs,
    request_run,
)
from app.training.pipeline import carry_out, train
from model.config import Config
from model.training import EpochReport
from tests.app.trainings import ENOUGH, people, settings_for, store

PLAIN = TrainingOptions()
BRIEF = TrainingOptions(hyper_parameters=ENOUGH)


def expire(database: Database, run_id: int) -> None:
    """As if the holder had been silent for longer than the lease lasts."""
    with database.unit_of_work() as connection:
        past = now(connection) - timedelta(seconds=5)
        connection.execute(
            update(training_runs).where(training_runs.c.id == run_id).values(lease_until=past)
        )


def test_a_run_that_was_asked_for_is_queued(database: Database) -> None:
    run = find_run(database, request_run(database, BRIEF, "cron"))
    assert (run.state, run.requested_by, run.options) == (RunState.QUEUED, "cron", BRIEF)
    assert (run.started_at, run.holder, run.version, run.error) == (None, None, None, None)


def test_a_second_run_is_refused_and_told_who_holds_the_first(database: Database) -> None:
    run_id = request_run(database, PLAIN, "cron")
    with pytest.raises(TrainingInProgressError, match=rf"run {run_id}, asked for by cron .*begun"):
        request_run(database, PLAIN, "me")
    with hold_lease(database, run_id, 60) as lease:
        with pytest.raises(TrainingInProgressError, match=f"held by {lease.holder}") as refused:
            request_run(database, PLAIN, "me")
        assert refused.value.extra == {"run_id": run_id, "holder": lease.holder}


def test_of_many_who_ask_at_once_one_gets_the_run(database: Database) -> None:
    got: list[int] = []

    def ask() -> None:
        try:
            got.append(request_run(database, PLAIN, "somebody"))
        except TrainingInProgressError:
            got.append(0)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert sum(run_id > 0 for run_id in got) == 1
    assert len(list_runs(database, 100)) == 1


def test_a_holder_that_is_silent_for_too_long_loses_the_run(database: Database) -> None:
    first = request_run(database, PLAIN, "cron")
    lease = Lease(database, first, 60)
    lease.start()
    lease.stop()
    expire(database, first)
    second = request_run(database, PLAIN, "cron")
    run = find_run(database, first)
    assert run.state is RunState.FAILED
    assert run.error is not None
    assert "gave no sign of life any more" in run.error
    assert run.failure is Failure.LOST
    assert find_run(database, second).state is RunState.QUEUED
    with database.unit_of_work() as connection, pytest.raises(LeaseLostError):
        lease.keep(connection)


def test_a_run_that_nobody_begins_is_given_up(database: Database) -> None:
    run_id = request_run(database, PLAIN, "cron")
    expire(database, run_id)
    assert find_run(database, run_id).state is RunState.FAILED, "without anybody who asks for one"
    assert [run.state for run in list_runs(database, 5)] == [RunState.FAILED]


def test_a_holder_that_lives_keeps_the_run_longer_than_one_lease_lasts(database: Database) -> None:
    run_id = request_run(database, PLAIN, "cron")
    with hold_lease(database, run_id, 1.0):
        begun = find_run(database, run_id).heartbeat_at
        assert begun is not None
        while (beat := find_run(database, run_id).heartbeat_at) is not None:
            if (beat - begun).total_seconds() >= 3:
                break
            time.sleep(0.1)
        assert find_run(database, run_id).state is RunState.RUNNING


def test_a_run_is_begun_once(database: Database) -> None:
    run_id = request_run(database, PLAIN, "cron")
    with hold_lease(database, run_id, 60), pytest.raises(RunNotQueuedError, match="is running"):
        Lease(database, run_id, 60).start()
    with pytest.raises(TrainingRunNotFoundError):
        Lease(database, run_id + 1, 60).start()


def test_progress_is_seen_by_others(database: Database) -> None:
    run_id = request_run(database, PLAIN, "cron")
    with hold_lease(database, run_id, 60) as lease:
        lease.report("training", epoch=3, n_epochs=20)
        while not (progress := find_run(database, run_id).progress):
            time.sleep(0.02)
        assert progress == {"stage": "training", "epoch": 3, "n_epochs": 20}


def test_an_error_ends_the_run_with_its_message(database: Database) -> None:
    run_id = request_run(database, PLAIN, "cron")
    with pytest.raises(ArithmeticError), hold_lease(database, run_id, 60):
        raise ArithmeticError("it\n diverged")
    run = find_run(database, run_id)
    assert (run.state, run.error) == (RunState.FAILED, "it diverged")


def test_a_training_that_has_lost_its_run_publishes_nothing(
    database: Database, tmp_path: Path
) -> None:
    """The other one may have published already; what this one has made is dropped whole."""
    store(database, people())
    settings = settings_for(tmp_path, training_lease_seconds=3600)

    def lose(report: EpochReport) -> None:
        if report.epoch == 10:
            run_id = list_runs(database, 1)[0].id
            expire(database, run_id)
            request_run(database, PLAIN, "another")

    with pytest.raises(LeaseLostError):
        train(database, settings, BRIEF, "cron", on_epoch=lose)
    with database.read() as connection:
        assert active_version(connection).version is None
    assert not list(tmp_path.glob("*Z-*"))
    assert [run.state for run in list_runs(database, 5)] == ["queued", "failed"]


def test_a_run_is_followed_to_its_end(database: Database) -> None:
    run_id = request_run(database, PLAIN, "cron")

    async def follow() -> list[str]:
        states = []
        async for run in follow_run(database, run_id):
            assert run is not None
            states.append(run.state.value)
            if run.state is RunState.QUEUED:
                lease.start()
            elif run.state is RunState.RUNNING:
                lease.stop()
                with database.unit_of_work() as connection:
                    lease.end(connection, RunState.REFUSED)
        return states

    lease = Lease(database, run_id, 60)
    assert asyncio.run(follow()) == ["queued", "running", "refused"]


def test_a_follower_gets_signs_of_life_while_nothing_changes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.service.KEEP_ALIVE_S", 0.1)
    monkeypatch.setattr("app.jobs.service.FOLLOW_INTERVAL_S", 0.1)
    run_id = request_run(database, PLAIN, "cron")

    async def follow() -> list[str | None]:
        states: list[str | None] = []
        async for run in follow_run(database, run_id):
            states.append(run.state.value if run else None)
            if len(states) == 3:
                with database.unit_of_work() as connection:
                    repository.end(connection, run_id, RunState.FAILED)
        return states

    assert asyncio.run(follow()) == ["queued", None, None, "failed"]


@pytest.fixture
def trained_here(monkeypatch: pytest.MonkeyPatch, database: Database) -> Iterator[None]:
    """Runs that are started train in a thread of this process, not in a process of their own."""
    threads: list[Thread] = []

    def start(settings: Settings, run_id: int) -> None:
        threads.append(Thread(target=carry_out, args=(database, settings, run_id)))
        threads[-1].start()

    monkeypatch.setattr("app.jobs.service.start_process", start)
    yield
    for thread in threads:
        thread.join()


def events(text: str) -> list[dict[str, Any]]:
    assert all(event.startswith("data: ") for event in text.split("\n\n")[:-1])
    return [json.loads(event.removeprefix("data: ")) for event in text.split("\n\n")[:-1]]


@pytest.mark.usefixtures("trained_here")
def test_a_training_is_begun_and_followed_over_http(
    database: Database, connect: Callable[[], TestClient]
) -> None:
    store(database, people())
    client = connect()
    begun = client.post("/training-runs", json={"hyper_parameters": ENOUGH, "from_scratch": True})
    assert begun.status_code == 202
    address = begun.headers["location"]
    assert address == f"/training-runs/{begun.json()['id']}"
    assert begun.json()["requested_by"] == "somebody without a key"
    refused = client.post("/training-runs")
    assert (refused.status_code, refused.json()["error"]) == (409, "TrainingInProgress")
    followed = client.get(address, headers={"Accept": "text/event-stream"})
    assert followed.headers["content-type"].startswith("text/event-stream")
    *_, last = events(followed.text)
    assert last["state"] == "published"
    assert last == client.get(address).json()
    assert client.get("/training-runs", params={"limit": 1}).json() == {"items": [last]}
    assert client.get("/models").json()["items"][0]["version"] == last["version"]


def test_a_run_that_there_is_not_is_not_found(lone_client: TestClient) -> None:
    for accept in ("application/json", "text/event-stream"):
        answer = lone_client.get("/training-runs/99", headers={"Accept": accept})
        assert (answer.status_code, answer.json()["error"]) == (404, "TrainingRunNotFound")


def test_all_hyper_parameters_of_a_model_may_be_given() -> None:
    """Null too, which leaves the choice to the training."""
    given = Config.for_users(1_000).model_dump()
    assert given["coupling_l2"] is None
    options = TrainingOptions(hyper_parameters=given)
    assert TrainingOptions.model_validate_json(options.model_dump_json()).hyper_parameters == given


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"hyper_parameters": {"l2": None}}, "hyper-parameter l2"),
        ({"hyper_parameters": {"l2": -1}}, "hyper-parameter l2"),
        ({"hyper_parameters": {"n_hiden": 3}}, "hyper-parameter n_hiden"),
        ({"fromscratch": True}, "body.fromscratch"),
        ({"from_scratch": True, "start": "20261120T101500Z-3f2a"}, "leave out `start`"),
        ({"seed": -1}, "body.seed"),
    ],
)
def test_wrong_options_are_refused_by_name(body: Any, says: str, lone_client: TestClient) -> None:
    answer = lone_client.post("/training-runs", json=body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert lone_client.get("/training-runs").json() == {"items": []}


def test_only_admins_may_train(database: Database, connect: Callable[[], TestClient]) -> None:
    key = create_key(database, [Scope.READ, Scope.WRITE], "shop").text
    client = connect()
    headers = {"Authorization": f"Bearer {key}"}
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/1")):
        assert client.request(method, f"/training-runs{path}", headers=headers).status_code == 403

"""What operators see and do on their pages."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from math import inf
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from app.admin import traffic
from app.admin.traffic import quantile, read_traffic
from app.auth.keys import KeyRing
from app.auth.scopes import Scope
from app.auth.service import create_key, list_keys
from app.config import Settings
from app.core import metrics
from app.db.engine import Database
from app.db.model_versions import holdout_salt
from app.db.tables import backups, datasets, installation, model_versions, training_runs
from app.jobs import service as runs
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import list_runs, request_run
from app.live.model_reloader import ModelReloader
from app.registry import repository, service
from app.store.folder import ModelStore
from tests.app.admin import send, shown, sign_in
from tests.app.service_process import serving
from tests.app.world import MOMENT, add_movies, make_rbm

CARD: dict[str, Any] = {
    "dataset": {"name": "small"},
    "data": {"n_ratings": 1234, "n_movies": 40, "n_users": 6},
    "results": [
        {"model": name, "metrics": {"ndcg@100": {"mean": mean, "se": 0.02}}}
        for name, mean in (("rbm", 0.41), ("popularity", 0.21))
    ],
}
HOSTILE = "<script>alert(1)</script>\"'><img src=x> مرحبا 🎬 \u200fgnp"


@pytest.fixture
def operator(
    database: Database, settings: Settings, connect_to: Callable[[Settings], TestClient]
) -> TestClient:
    """An operator who is signed in."""
    key = create_key(database, [Scope.ADMIN], "operator")
    client = connect_to(settings)
    client.base_url = "https://127.0.0.1:8000"
    sign_in(client, key.text)
    return client


def publish(database: Database, settings: Settings, seed: int = 1, **options: Any) -> str:
    card = {**CARD, **options.pop("card", {})}
    report: Callable[[str], str] = "<p>Report of {}</p>".format
    return service.publish(
        database, ModelStore(settings.models_dir), make_rbm(seed), card, report=report, **options
    )


def active(database: Database) -> str | None:
    return service.find_active(database).version


def test_the_overview_counts_what_there_is(
    operator: TestClient, database: Database, settings: Settings
) -> None:
    assert "popular movies until" in shown(operator.get("/admin"))
    add_movies(database, [10, 20])
    with database.unit_of_work() as connection:
        connection.execute(update(installation).values(movies_revision=1))
    version = publish(database, settings)
    operator.app.state.services.find(ModelReloader).reload()  # type: ignore[attr-defined]
    operator.get("/movies/10")
    page = shown(operator.get("/admin"))
    assert "2.0 × popularity" in page
    assert "NDCG@100 on users that no training saw: 0.410, popularity has 0.210" in page
    assert "2 movies" in page
    assert f"1 process serves {version}" in page
    assert "back-up" not in page
    with database.unit_of_work() as connection:
        row = {"started_at": MOMENT, "finished_at": MOMENT, "next_at": MOMENT, "name": "good"}
        connection.execute(insert(backups).values(row))
        row = {"started_at": MOMENT, "next_at": MOMENT, "name": "bad", "error": "No space left"}
        connection.execute(insert(backups).values(row))
    page = shown(operator.get("/admin"))
    assert "Last back-up 2026-11-20" in page
    assert re.search("The next one failed, and is tried again at 2026-11-20.*: No space left", page)


def test_the_overview_draws_the_models_before_the_active_one(
    operator: TestClient, database: Database, settings: Settings
) -> None:
    with database.read() as connection:
        here = {"holdout": {"salt": holdout_salt(connection)}}
    for seed, mean in enumerate((0.315, 0.21, 0.42)):
        page = operator.get("/admin").text
        assert ("<svg" in page.split("Model</h2>")[1].split("</section>")[0]) == (seed > 1)
        own = {"model": "rbm", "metrics": {"ndcg@100": {"mean": mean, "se": 0.02}}}
        card = {"results": [own, CARD["results"][1]], **here}
        version = publish(database, settings, seed, card=card)
        with database.unit_of_work() as connection:
            of_version = update(model_versions).where(model_versions.c.version == version)
            connection.execute(of_version.values(created_at=MOMENT + timedelta(days=seed)))
    page = operator.get("/admin").text
    assert "The last 3 models in times popularity, the oldest first: 1.50, 1.00, 2.00" in page
    line = re.search('class="line" points="([^"]+)"', page)
    assert line
    heights = [float(point.split(",")[1]) for point in line[1].split()]
    assert heights == [22.0, 38.0, 6.0]
    assert 'y1="38.0"' in page  # popularity
    assert f'cy="{heights[-1]}"' in page  # the active model


@pytest.fixture
def _all_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show all of them: those of other tests in this process are counted too."""
    monkeypatch.setattr(traffic, "ROUTES_SHOWN", 1000)


@pytest.mark.usefixtures("_all_routes")
def test_traffic_is_that_of_the_api_alone(operator: TestClient) -> None:
    before = {flow.name: flow.n for flow in read_traffic()[0].routes}
    for path in ("/admin", "/admin/models", "/health/live", "/metrics", "/nothing", "/nothing"):
        operator.get(path)
    answered, _ = read_traffic()
    after = {flow.name: flow for flow in answered.routes}
    assert after["no such path"].n == before.get("no such path", 0) + 2
    assert not any("/admin" in name or "/health" in name for name in after)
    assert sum(flow.n for flow in after.values()) == answered.total.n


@pytest.mark.usefixtures("_all_routes")
def test_failures_and_latencies_are_read_from_the_figures() -> None:
    for status, seconds in ((200, 0.002), (200, 0.002), (200, 0.002), (500, 20.0)):
        metrics.observe_request("GET", "/a-route-of-this-test", status, seconds)
    (flow,) = [
        flow for flow in read_traffic()[0].routes if flow.name == "GET /a-route-of-this-test"
    ]
    assert (flow.n, flow.n_failed) == (4, 1)
    assert flow.median_s == pytest.approx(0.002, abs=0.0006)
    assert flow.p95_s == inf


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_overview_is_of_all_processes(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    version = publish(database, settings)
    with serving(settings, tmp_path, RECOMMENDER_WORKERS="2") as running:

        def get(path: str) -> str:
            with urlopen(running.address + path, timeout=20) as answer:  # noqa: S310
                return " ".join(unescape(re.sub("<[^>]+>", " ", answer.read().decode())).split())

        # Each process answers some of them, and is asked for the sum.
        for _ in range(40):
            get("/movies")
        end = time.monotonic() + 60
        # A request is counted once its answer is on the way.
        texts = [f"2 processes serve {version}", "40 requests since the start", "GET /movies 40 0"]
        while missing := [text for text in texts if text not in get("/admin")]:
            assert time.monotonic() < end, missing
            time.sleep(0.1)


def test_a_quantile_lies_inside_its_bucket_in_proportion() -> None:
    buckets = {0.1: 10, 0.2: 30, inf: 40}
    assert quantile(buckets, 0.25) == pytest.approx(0.1)
    assert quantile(buckets, 0.5) == pytest.approx(0.15)
    assert quantile(buckets, 0.99) == inf
    assert quantile({0.1: 0, inf: 0}, 0.5) is None
    assert quantile({}, 0.5) is None


def test_a_model_is_shown_with_its_figures_and_its_report_card(
    operator: TestClient, database: Database, settings: Settings
) -> None:
    version = publish(database, settings)
    assert version in operator.get("/admin/models").text
    page = shown(operator.get(f"/admin/models/{version}"))
    assert "0.410 ± 0.020" in page
    assert "1,234 of 40 movies by 6 users" in page
    report = operator.get(f"/admin/models/{version}/report")
    assert report.text == f"<p>Report of {version}</p>"
    assert "script-src" not in report.headers["Content-Security-Policy"]


def test_activating_names_what_changes_and_then_changes_it(
    operator: TestClient, database: Database, settings: Settings
) -> None:
    first, second = publish(database, settings), publish(database, settings, seed=2)
    page = f"/models/{first}/activate"
    asked = shown(operator.get(f"/admin{page}"))
    assert asked.index(f"Served now {second}") < asked.index(f"Served then {first}")
    assert send(operator, page, page, instead_of=second).url.path == "/admin/models"
    assert active(database) == first


def test_what_was_confirmed_for_another_model_is_not_done(
    operator: TestClient, database: Database, settings: Settings
) -> None:
    first, second = publish(database, settings), publish(database, settings, seed=2)
    page = f"/models/{first}/activate"
    answer = send(operator, page, page, instead_of="20200101T000000Z-0000")
    assert (answer.status_code, active(database)) == (409, second)
    answer = send(operator, "/models/rollback", "/models/rollback", instead_of=first)
    assert (answer.status_code, active(database)) == (409, second)


def test_a_refused_model_tells_why_and_is_activated_only_when_that_is_ticked(
    operator: TestClient, database: Database, settings: Settings
) -> None:
    good = publish(database, settings)
    reason = f"it is worse than {HOSTILE}"
    card = {"gate": {"passed": False, "reasons": [reason]}}
    bad = publish(database, settings, seed=2, card=card, state=repository.REFUSED, activate=False)
    page = f"/models/{bad}/activate"
    for path in ("/models", f"/models/{bad}", page):
        assert reason in shown(operator.get(f"/admin{path}"))
        assert "<script>alert" not in operator.get(f"/admin{path}").text
    assert send(operator, page, page, instead_of=good).status_code == 409
    assert active(database) == good
    send(operator, page, page, instead_of=good, anyway="1")
    assert active(database) == bad
    assert "Activated although refused" in operator.get(f"/admin/models/{bad}").text


def test_a_damaged_model_does_not_take_the_place_of_one_that_is_not(
    operator: TestClient, database: Database, settings: Settings
) -> None:
    first, second = publish(database, settings), publish(database, settings, seed=2)
    (settings.models_dir / first / "W.npy").write_bytes(b"")
    page = f"/models/{first}/activate"
    answer = send(operator, page, page, instead_of=second)
    assert (answer.status_code, active(database)) == (409, second)
    assert "damaged" in answer.text


def test_a_rollback_goes_to_the_model_before(
    operator: TestClient, database: Database, settings: Settings
) -> None:
    first, second = publish(database, settings), publish(database, settings, seed=2)
    assert f"Served then {first}" in shown(operator.get("/admin/models/rollback"))
    send(operator, "/models/rollback", "/models/rollback", instead_of=second)
    assert active(database) == first
    assert "Rolled back from" in operator.get(f"/admin/models/{second}").text


@pytest.mark.parametrize("ticked", [(), ("from_scratch", "publish_anyway")])
def test_a_training_is_begun_as_it_was_ticked(
    operator: TestClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    ticked: tuple[str, ...],
) -> None:
    started: list[int] = []
    monkeypatch.setattr(runs, "start_process", lambda _, run_id: started.append(run_id))
    answer = send(operator, "/runs", "/runs", **dict.fromkeys(ticked, "1"))
    (run,) = list_runs(database, 10)
    assert answer.url.path == f"/admin/runs/{run.id}"
    assert started == [run.id]
    assert run.options == TrainingOptions.model_validate(dict.fromkeys(ticked, True))
    assert run.requested_by.startswith("key ")
    assert "is under way" in operator.get("/admin/runs").text


def test_a_second_training_is_refused_by_a_page_that_names_the_first(
    operator: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "start_process", lambda *_: None)
    page = operator.get("/admin/runs")
    run_id = request_run(database, TrainingOptions(), "cron")
    monkeypatch.setattr(operator, "get", lambda _: page)
    answer = send(operator, "/runs", "/runs")
    assert (answer.status_code, f"run {run_id}" in answer.text) == (409, True)


def add_run(database: Database, **values: Any) -> int:
    run_id = request_run(database, TrainingOptions(from_scratch=True), HOSTILE)
    with database.unit_of_work() as connection:
        connection.execute(
            update(training_runs).where(training_runs.c.id == run_id).values(**values)
        )
    return run_id


def test_a_run_under_way_tells_how_far_it_is_without_scripts_too(
    operator: TestClient, database: Database
) -> None:
    progress = {
        "stage": "training", "epoch": 7, "n_epochs": 60, "start": None, "why_scratch": "as asked",
        "validation_ndcg@100": 0.31, "reconstruction_error": 0.9,
    }  # fmt: skip
    run_id = add_run(database, state=RunState.RUNNING, progress=progress, holder="host:1")
    page = operator.get(f"/admin/runs/{run_id}")
    assert "epoch 7 of 60" in page.text
    assert 'http-equiv="refresh"' in page.text
    assert HOSTILE in shown(page)
    assert "<script>alert" not in page.text
    assert "epoch 7 of 60" in operator.get("/admin/runs").text


def test_the_events_of_a_run_end_with_the_run(operator: TestClient, database: Database) -> None:
    run_id = add_run(
        database, state=RunState.FAILED, in_progress=None, finished_at=datetime.now(UTC),
        error=HOSTILE,
    )  # fmt: skip
    answer = operator.get(f"/admin/runs/{run_id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("data: ") == 1
    page = operator.get(f"/admin/runs/{run_id}")
    assert HOSTILE in shown(page)
    assert "<script>alert" not in page.text
    assert 'http-equiv="refresh"' not in page.text


def test_a_run_that_was_refused_tells_by_how_much(operator: TestClient, database: Database) -> None:
    figures = {
        "n_gate_users": 60,
        "models": {name: {"ndcg@100": {"mean": 0.3, "se": 0.01}} for name in ("rbm", "active")},
        "gate": {
            "passed": False, "published_anyway": False, "reasons": ["it is worse"],
            "differences": {"active": {"mean": -0.1, "low": -0.15, "high": -0.05}},
        },
    }  # fmt: skip
    run_id = add_run(
        database, state=RunState.REFUSED, in_progress=None, finished_at=datetime.now(UTC),
        figures=figures,
    )  # fmt: skip
    page = shown(operator.get(f"/admin/runs/{run_id}"))
    assert "The gate refused it" in page
    assert "-0.100 -0.150 to -0.050" in page
    assert "Refused: it is worse" in shown(operator.get("/admin/runs"))


def test_a_key_is_made_shown_once_and_revoked(operator: TestClient) -> None:
    made = send(operator, "/keys", "/keys", name=HOSTILE, scope=["read", "write"])
    text = made.text.split('id="secret" value="')[1].split('"')[0]
    prefix = text.partition(".")[0]
    assert operator.app.state.services.find(KeyRing).find(text) is not None  # type: ignore[attr-defined]
    page = operator.get("/admin/keys")
    assert text.partition(".")[2] not in page.text
    assert HOSTILE in shown(page)
    assert "<script>alert" not in page.text
    revoke = f"/keys/{prefix}/revoke"
    assert HOSTILE in shown(operator.get(f"/admin{revoke}"))
    send(operator, revoke, revoke)
    assert operator.app.state.services.find(KeyRing).find(text) is None  # type: ignore[attr-defined]


def test_a_key_that_allows_nothing_or_something_unknown_is_not_made(
    operator: TestClient, database: Database
) -> None:
    wrong: list[tuple[dict[str, str], str]] = [
        ({"name": HOSTILE}, "tick at least one"),
        ({"scope": HOSTILE}, HOSTILE),
        ({"scope": "read", "name": "x" * 101}, "at most 100 characters"),
        ({"scope": "read", "name": "a\0b"}, "one line of text"),
        ({"scope": "read", "name": "a\u202eb"}, "one line of text"),
    ]
    for fields, problem in wrong:
        answer = send(operator, "/keys", "/keys", **fields)
        assert answer.status_code == 422
        assert problem in shown(answer)
        assert "<script>alert" not in answer.text
    assert len(list_keys(database)) == 1


def test_revoking_the_own_and_last_admin_key_warns_and_signs_out(
    operator: TestClient, database: Database
) -> None:
    (key,) = list_keys(database)
    revoke = f"/keys/{key['prefix']}/revoke"
    page = shown(operator.get(f"/admin{revoke}"))
    assert "you will be signed out" in page
    assert "the last admin key" in page
    assert send(operator, revoke, revoke).url.path == "/admin/sign-in"


def test_a_hostile_name_of_a_data_set_is_text(operator: TestClient, database: Database) -> None:
    with database.unit_of_work() as connection:
        connection.execute(
            insert(datasets).values(
                name=HOSTILE, sha256="0", imported_at=datetime.now(UTC), is_public=False
            )
        )
    page = operator.get("/admin")
    assert HOSTILE in shown(page)
    assert "<script>alert" not in page.text

"""Models over HTTP: their cards, and what operators do with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.auth.keys import KeyRing
from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.db.engine import Database
from app.main import MAX_BODY
from app.registry.repository import REFUSED
from app.registry.service import publish
from app.store.folder import ModelStore
from tests.app.test_registry_rollback import make_older
from tests.app.world import TRAINED, make_rbm

CARD = {
    **TRAINED,
    "results": [{"model": "rbm", "metrics": {"ndcg@100": {"mean": 0.41, "se": 0.02}}}],
}


@pytest.fixture
def version(database: Database, tmp_path: Path) -> str:
    folder = tmp_path / "models"
    return publish(
        database, ModelStore(folder), make_rbm(1), CARD, report=lambda v: f"<p>Report of {v}</p>"
    )


@pytest.fixture
def service(version: str, connect: Callable[..., TestClient]) -> TestClient:  # noqa: ARG001
    return connect()


def test_models_are_listed_with_their_figures(service: TestClient, version: str) -> None:
    (model,) = service.get("/models").json()["items"]
    assert model["version"] == version
    assert model["active"] is True
    assert (model["dataset"], model["ndcg_at_100"]) == ("small", 0.41)


def test_a_model_comes_with_its_card(service: TestClient, version: str) -> None:
    model = service.get(f"/models/{version}").json()
    assert model["card"]["results"] == CARD["results"]
    assert set(model["card"]["files"]) >= {"W.npy", "report.html"}


def test_the_report_card_is_a_page_that_may_run_nothing(service: TestClient, version: str) -> None:
    response = service.get(f"/models/{version}/report")
    assert response.text == f"<p>Report of {version}</p>"
    assert response.headers["content-type"].startswith("text/html")
    assert "script-src" not in response.headers["content-security-policy"]
    assert "default-src 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["", "/report"])
def test_an_unknown_version_is_not_found(service: TestClient, path: str) -> None:
    response = service.get(f"/models/20200101T000000Z-0000{path}")
    assert (response.status_code, response.json()["error"]) == (404, "ModelNotFound")


@pytest.mark.parametrize("version", ["..", "%2e%2e%2fcard.json", "latest", "20200101T000000Z"])
def test_what_is_no_version_never_reaches_the_disk(service: TestClient, version: str) -> None:
    assert service.get(f"/models/{version}/report").status_code in (404, 422)


def test_a_model_without_report_card_says_so(
    database: Database, tmp_path: Path, connect: Callable[..., TestClient]
) -> None:
    version = publish(database, ModelStore(tmp_path / "models"), make_rbm(1), CARD)
    response = connect().get(f"/models/{version}/report")
    assert (response.status_code, response.json()["error"]) == (404, "ReportNotFound")


# What operators do


@pytest.fixture
def two(version: str, database: Database, tmp_path: Path) -> list[str]:
    """Two published models; the second is active."""
    return [version, publish(database, ModelStore(tmp_path / "models"), make_rbm(2), CARD)]


@pytest.fixture
def operated(two: list[str], connect: Callable[..., TestClient]) -> TestClient:  # noqa: ARG001
    return connect()


def served(client: TestClient) -> Any:
    return client.get("/health/ready").json()["model"]


def test_the_active_model_and_the_one_before_are_told(operated: TestClient, two: list[str]) -> None:
    assert operated.get("/models/active").json() == {"version": two[1], "previous": two[0]}
    standing = [(m["active"], m["previous"]) for m in operated.get("/models").json()["items"]]
    assert sorted(standing) == [(False, True), (True, False)]


def test_no_active_model_is_told_as_none(empty_client: TestClient) -> None:
    assert empty_client.get("/models/active").json() == {"version": None, "previous": None}


def test_a_model_is_activated_and_served_by_the_very_next_response(
    operated: TestClient, two: list[str]
) -> None:
    assert served(operated) == two[1]
    response = operated.put("/models/active", json={"version": two[0]})
    assert (response.status_code, response.json()) == (200, {"version": two[0], "previous": two[1]})
    assert served(operated) == two[0]


def test_a_rollback_is_served_by_the_very_next_response(
    operated: TestClient, two: list[str]
) -> None:
    response = operated.post("/models/rollback")
    assert (response.status_code, response.json()) == (200, {"version": two[0], "previous": None})
    assert served(operated) == two[0]
    response = operated.post("/models/rollback")
    assert (response.status_code, response.json()["error"]) == (409, "NoPreviousModel")


def test_who_asked_is_on_the_card(operated: TestClient, two: list[str], database: Database) -> None:
    key = create_key(database, [Scope.ADMIN], "")
    operated.app.state.services.find(KeyRing).refresh()  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {key.text}"}
    assert operated.post("/models/rollback", headers=headers).status_code == 200
    card = operated.get(f"/models/{two[1]}", headers=headers).json()["card"]
    assert card["rolled_back"]["by"] == f"key {key.prefix}"


def test_a_refused_model_needs_to_be_told_anyway(
    operated: TestClient, database: Database, tmp_path: Path
) -> None:
    card = {**CARD, "gate": {"passed": False, "reasons": ["it is worse"]}}
    refused = publish(
        database, ModelStore(tmp_path / "models"), make_rbm(3), card, state=REFUSED, activate=False
    )
    response = operated.put("/models/active", json={"version": refused})
    assert (response.status_code, response.json()["error"]) == (409, "ModelRefused")
    assert response.json()["reasons"] == ["it is worse"]
    anyway = {"version": refused, "anyway": True}
    assert operated.put("/models/active", json=anyway).status_code == 200
    assert served(operated) == refused


def test_a_damaged_model_is_not_activated_over_http(
    operated: TestClient, two: list[str], tmp_path: Path
) -> None:
    (tmp_path / "models" / two[0] / "W.npy").write_bytes(b"")
    response = operated.put("/models/active", json={"version": two[0]})
    assert (response.status_code, response.json()["error"]) == (409, "ModelDamaged")
    assert served(operated) == two[1]


@pytest.mark.parametrize(
    "body", [{}, {"version": "../x"}, {"version": "20200101T000000Z-0000", "force": True}, []]
)
def test_a_malformed_activation_is_refused(operated: TestClient, body: Any) -> None:
    assert operated.put("/models/active", json=body).status_code == 422


def test_old_models_are_pruned_and_a_needed_one_is_not_removed(
    operated: TestClient, two: list[str], database: Database, tmp_path: Path
) -> None:
    newest = publish(database, ModelStore(tmp_path / "models"), make_rbm(3), CARD)
    make_older(database, [*two, newest])
    assert operated.delete(f"/models/{two[1]}").json()["error"] == "ModelInUse"
    assert operated.post("/models/prune").json() == {"removed": []}
    assert operated.post("/models/prune", json={"keep": 1}).json() == {"removed": [two[0]]}
    assert {m["version"] for m in operated.get("/models").json()["items"]} == {two[1], newest}
    for _ in range(2):
        assert operated.delete(f"/models/{two[0]}").status_code == 204


@pytest.fixture
def elsewhere(
    migrated_sqlite_file: Path, tmp_path: Path, connect_to: Callable[[Settings], TestClient]
) -> TestClient:
    """Another installation, without rows."""
    (tmp_path / "elsewhere.db").write_bytes(migrated_sqlite_file.read_bytes())
    url = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    return connect_to(Settings(database_url=url, models_dir=tmp_path / "elsewhere"))


def test_a_model_goes_from_one_installation_to_another(
    operated: TestClient, two: list[str], elsewhere: TestClient
) -> None:
    archive = operated.get(f"/models/{two[1]}/archive")
    assert archive.headers["content-type"] == "application/octet-stream"
    assert archive.headers["content-disposition"] == f'attachment; filename="{two[1]}.tar"'
    assert int(archive.headers["content-length"]) == len(archive.content)
    response = elsewhere.post("/models/import?activate=true", content=archive.content)
    expected = {"version": two[1], "outcome": "imported", "active": True}
    assert (response.status_code, response.json()) == (201, expected)
    assert response.headers["location"] == f"/models/{two[1]}"
    assert served(elsewhere) == two[1]
    again = elsewhere.post("/models/import", content=archive.content)
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    figures = elsewhere.get(f"/models/{two[1]}").json()
    assert (figures["ndcg_at_100"], figures["trained_here"]) == (0.41, False)


@pytest.mark.parametrize("body", [b"", b"{}", b"x" * 100_000])
def test_what_is_no_model_is_not_imported(empty_client: TestClient, body: bytes) -> None:
    response = empty_client.post("/models/import", content=body)
    assert (response.status_code, response.json()["error"]) == (422, "InvalidRequest")
    assert response.json()["fields"][0]["location"] == ["body"]


def test_a_model_may_be_larger_than_other_bodies_but_has_a_limit(
    settings: Settings, connect_to: Callable[[Settings], TestClient]
) -> None:
    limit = 3 * MAX_BODY
    client = connect_to(settings.model_copy(update={"model_upload_limit": limit}))
    parts = (bytes(MAX_BODY) for _ in range(4))
    for body, status in ((b"x" * limit, 422), (b"x" * (limit + 1), 413), (parts, 413)):
        assert client.post("/models/import", content=body).status_code == status
    assert client.put("/models/active", content=b" " * (MAX_BODY + 1)).status_code == 413
    assert not list(settings.models_dir.glob("[!.]*"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/models/active"), ("POST", "/models/rollback"), ("POST", "/models/prune"),
        ("POST", "/models/import"), ("DELETE", "/models/20200101T000000Z-0000"),
        ("GET", "/models/20200101T000000Z-0000/archive"),
    ],
)  # fmt: skip
def test_only_admins_change_or_carry_away_models(
    operated: TestClient, database: Database, method: str, path: str
) -> None:
    key = create_key(database, [Scope.READ, Scope.WRITE], "")
    operated.app.state.services.find(KeyRing).refresh()  # type: ignore[attr-defined]
    headers = {"Authorization": f"Bearer {key.text}"}
    response = operated.request(method, path, headers=headers)
    assert (response.status_code, response.json()["error"]) == (403, "InsufficientScope")

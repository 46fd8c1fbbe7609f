"""Published models over HTTP."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.database import Database
from app.models.service import publish
from tests.app.world import make_rbm

CARD = {
    "dataset": {"name": "small"},
    "results": [{"model": "rbm", "metrics": {"ndcg@100": {"mean": 0.41, "se": 0.02}}}],
}


@pytest.fixture
def version(database: Database, tmp_path: Path) -> str:
    folder = tmp_path / "models"
    return publish(database, folder, make_rbm(1), CARD, report=lambda v: f"<p>Report of {v}</p>")


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
    answer = service.get(f"/models/{version}/report")
    assert answer.text == f"<p>Report of {version}</p>"
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["", "/report"])
def test_an_unknown_version_is_not_found(service: TestClient, path: str) -> None:
    answer = service.get(f"/models/20200101T000000Z-0000{path}")
    assert (answer.status_code, answer.json()["error"]) == (404, "ModelNotFound")


@pytest.mark.parametrize("version", ["..", "%2e%2e%2fcard.json", "latest", "20200101T000000Z"])
def test_what_is_no_version_never_reaches_the_disk(service: TestClient, version: str) -> None:
    assert service.get(f"/models/{version}/report").status_code in (404, 422)


def test_a_model_without_report_card_says_so(
    database: Database, tmp_path: Path, connect: Callable[..., TestClient]
) -> None:
    version = publish(database, tmp_path / "models", make_rbm(1), CARD)
    answer = connect().get(f"/models/{version}/report")
    assert (answer.status_code, answer.json()["error"]) == (404, "ReportNotFound")

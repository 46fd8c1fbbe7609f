"""The documentation at `/guide`, where it is asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.http.guide import GuideError, read_guide
from app.main import create_app
from tests.app.conftest import ADDRESS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    guide = tmp_path / "guide"
    (guide / "sub").mkdir(parents=True)
    (guide / "index.html").write_text("<h1>Guide</h1>")
    (guide / "sub" / "page.js").write_text("1;")
    (guide / "notes.txt").write_text("not of the site")
    (tmp_path / "secret.html").write_text("secret")
    (guide / "link.html").symlink_to(tmp_path / "secret.html")
    return guide


@pytest.fixture
def reader(lone_settings: Settings, folder: Path) -> Iterator[TestClient]:
    settings = lone_settings.model_copy(update={"guide_dir": folder})
    with TestClient(create_app(settings), base_url=ADDRESS) as client:
        yield client


def test_it_is_shown_from_its_folder(reader: TestClient) -> None:
    page = reader.get("/guide")
    assert (page.url.path, page.text) == ("/guide/index.html", "<h1>Guide</h1>")
    assert page.headers["Content-Type"].startswith("text/html")
    script = reader.get("/guide/sub/page.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert reader.get("/guide/").text == page.text


def test_its_policy_lets_nothing_in_from_elsewhere(reader: TestClient) -> None:
    headers = reader.get("/guide/index.html").headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["worker-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    ["nothing.html", "notes.txt", "link.html", "../secret.html", "..%2Fsecret.html",
     "sub/..%2F..%2Fsecret.html", "%2e%2e/secret.html", "sub", "sub/"],
)  # fmt: skip
def test_no_path_leads_to_another_file(reader: TestClient, path: str) -> None:
    response = reader.get(f"/guide/{path}")
    assert response.status_code == 404
    assert "secret" not in response.text


def test_without_the_setting_there_is_none(lone_client: TestClient) -> None:
    assert lone_client.get("/guide").status_code == 404
    assert lone_client.get("/guide/index.html").status_code == 404


def test_behind_a_path_of_a_proxy_its_start_is_found(lone_settings: Settings, folder: Path) -> None:
    app = create_app(lone_settings.model_copy(update={"guide_dir": folder}))
    with TestClient(app, base_url=ADDRESS, root_path="/films") as client:
        page = client.get("/films/guide")
    assert page.url.path == "/films/guide/index.html"


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_a_guide_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(GuideError, match=rf"{name} \(RECOMMENDER_GUIDE_DIR\): no index\.html"):
        read_guide(tmp_path / name)


def test_a_service_does_not_begin_with_a_folder_without_a_guide(
    lone_settings: Settings, tmp_path: Path
) -> None:
    settings = lone_settings.model_copy(update={"guide_dir": tmp_path / "missing"})
    with pytest.raises(GuideError):
        create_app(settings)

"""The files that pages load, and the page that loads them."""

import re

import pytest
from fastapi.testclient import TestClient
from jinja2 import UndefinedError

from app.config import Settings
from app.main import create_app
from app.web.rendering import render
from app.web.static import FILES, FOLDER, static_path

MAX_BYTES = 150_000


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_browser_may_keep_a_file_for_good(lone_client: TestClient, name: str) -> None:
    response = lone_client.get(static_path(name))
    assert response.content == (FOLDER / name).read_bytes()
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    kind = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}[name.split(".")[1]]
    assert response.headers["Content-Type"].startswith(kind)


def test_a_file_that_is_known_is_not_sent_again(lone_client: TestClient) -> None:
    etag = lone_client.get(static_path("base.css")).headers["ETag"]
    again = lone_client.get(static_path("base.css"), headers={"If-None-Match": f'"other", {etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == etag


def test_under_the_address_of_another_version_a_file_is_not_kept(lone_client: TestClient) -> None:
    response = lone_client.get("/static/0123456789ab/base.css")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize(
    "path", ["x/nothing.css", "x/..%2Fpages.py", "x/%2e%2e/pages.py", "x", "x/y/base.css"]
)
def test_nothing_else_is_given(lone_client: TestClient, path: str) -> None:
    assert lone_client.get(f"/static/{path}").status_code == 404


def test_a_template_with_a_wrong_file_or_name_fails_where_it_is_made() -> None:
    with pytest.raises(LookupError, match=r"nothing\.css"):
        static_path("nothing.css")
    with pytest.raises(UndefinedError):
        render("trouble.html")


def test_what_comes_from_outside_is_text() -> None:
    page = render("trouble.html", detail="<script>alert(1)</script> \"'")
    assert "&lt;script&gt;alert(1)" in page
    assert page.count("<script") == 1  # the one of the theme


def test_the_page_has_no_script_or_style_of_its_own_and_a_policy_that_forbids_them(
    lone_client: TestClient,
) -> None:
    response = lone_client.get("/")
    assert response.status_code == 200
    policy = dict(
        part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; ")
    )
    assert policy == {
        "default-src": "'none'", "script-src": "'self'", "style-src": "'self'",
        "img-src": "'self' data:", "connect-src": "'self'", "form-action": "'self'",
        "base-uri": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?![^>]* src=)[^>]*>|<style|\sstyle=|\son\w+=", response.text)


def test_all_that_a_first_visit_loads_is_under_150_kilobytes(client: TestClient) -> None:
    page = client.get("/").text
    loaded = set(re.findall(r"/static/\w+/([\w.-]+)", page))
    scripts = {name for name in loaded if name.endswith(".js")}
    while scripts:  # modules import modules
        text = FILES[scripts.pop()].body.decode()
        imported = set(re.findall(r'from "\./([\w.-]+)"', text))
        scripts |= imported - loaded
        loaded |= imported
    assert {"page.js", "machine.js", "base.css", "theme.js"} <= loaded
    total = len(page.encode()) + sum(len(FILES[name].body) for name in loaded)
    assert total < MAX_BYTES


def test_addresses_begin_with_the_path_under_which_a_proxy_shows_the_service(
    lone_settings: Settings,
) -> None:
    app = create_app(lone_settings)
    with TestClient(app, base_url="http://127.0.0.1:8000", root_path="/films") as client:
        page = client.get("/films/").text
    assert '<body data-root="/films">' in page
    assert set(re.findall(r'(?:href|src|action)="(/[^"]*)"', page)) >= {"/films/", "/films/docs"}
    assert all(a.startswith("/films/") for a in re.findall(r'(?:href|src|action)="(/[^"]*)"', page))


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", None])
def test_an_unknown_address_is_a_page_for_browsers_and_json_for_programs(
    lone_client: TestClient, accept: str | None
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    response = lone_client.get("/nothing", headers=headers)
    assert response.status_code == 404
    is_page = accept is not None and "text/html" in accept
    assert response.headers["Content-Type"].startswith(
        "text/html" if is_page else "application/json"
    )
    if is_page:
        assert "There is nothing here" in response.text
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    movie = lone_client.get("/movies/1", headers=headers)  # a known path without such a thing
    assert movie.json()["error"] == "MovieNotFound"

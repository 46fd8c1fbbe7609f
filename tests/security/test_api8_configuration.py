"""API8:2023 Security misconfiguration."""

import socket
from collections.abc import Iterable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.main import create_app
from tests.app.admin import sign_in
from tests.app.conftest import ADDRESS
from tests.app.service_process import serving
from tests.security.routes import API, OPEN_PAGES, OPERATORS_PAGES, bearer, page_address

# Of every response, whatever it is; caching and referrers are stricter or looser by page.
FIXED = {"x-content-type-options": "nosniff", "x-frame-options": "DENY"}
REFERRERS = {"no-referrer", "same-origin"}
DIRECTIVES = ("default-src 'none'", "frame-ancestors 'none'")
# Of pages, which browsers show.
PAGE_DIRECTIVES = (*DIRECTIVES, "base-uri 'none'", "form-action ")
FILES = "/static/", "/docs/"
# Swagger UI draws with inline styles, and the report card is one file.
INLINE_STYLES = ("/docs", "/report")


def check(headers: object, where: str) -> None:
    found = dict(headers)  # type: ignore[call-overload]
    for name, value in FIXED.items():
        assert found[name] == value, where
    assert found["referrer-policy"] in REFERRERS, where
    for directive in DIRECTIVES:
        assert directive in found["content-security-policy"], where
    assert "server" not in found, where
    assert "x-powered-by" not in found, where
    if not where.partition(" ")[2].startswith(FILES):
        assert "public" not in found["cache-control"], where


def test_every_response_has_the_security_headers(guarded: TestClient) -> None:
    pages = [(method, page_address(path)) for method, path in OPEN_PAGES | OPERATORS_PAGES]
    for method, address in [(r.method, r.address()) for r in API if r.method == "GET"] + pages:
        for held in ("admin", "write", "revoked"):
            for sent in {method, "HEAD" if method == "GET" else method, "OPTIONS", "TRACE"}:
                if address.endswith("/events") or "/metrics" in address:
                    continue
                response = guarded.request(
                    sent, address, headers=bearer(held), follow_redirects=False
                )
                assert response.status_code < 500
                check(response.headers, f"{sent} {address}")
    guarded.cookies.clear()


def test_every_error_has_them_too(guarded: TestClient) -> None:
    for method, path, headers, content, status in (
        ("GET", "/nothing", {}, None, 404),
        ("GET", "/users/%ff", bearer("admin"), None, 422),
        ("PUT", "/users/1/ratings/10", bearer("write"), b"{", 422),
        ("PUT", "/users/1/ratings/10", bearer("write"), b" " * 2**21, 413),
        ("GET", "/movies", {"Host": "evil.example"}, None, 421),
        ("DELETE", "/movies", bearer("admin"), None, 405),
        ("BREW", "/movies", bearer("admin"), None, 405),
    ):
        response = guarded.request(method, path, headers=headers, content=content)
        assert response.status_code == status, (method, path, response.text)
        check(response.headers, f"{method} {path}")
        assert "Traceback" not in response.text
        assert 'File "' not in response.text


def policies_of(client: TestClient, paths: Iterable[str], **headers: str) -> dict[str, str]:
    """Return the policies of those paths that are pages."""
    found = {path: client.get(path, headers=headers) for path in paths}
    return {
        path: response.headers["content-security-policy"]
        for path, response in found.items()
        if response.headers["content-type"].startswith("text/html")
    }


@pytest.fixture
def policies(guarded: TestClient, guarded_settings: Settings) -> dict[str, str]:
    """Return the policies of all pages, those for operators after signing in."""
    open_ = create_app(guarded_settings.model_copy(update={"public_page": True}))
    addresses = [route.address() for route in API if route.method == "GET"]
    paths = [
        page_address(path)
        for method, path in sorted(OPEN_PAGES | OPERATORS_PAGES)
        if method == "GET" and not path.endswith("/events")
    ]
    with TestClient(open_, base_url=ADDRESS.replace("http:", "https:")) as client:
        assert client.get("/").status_code == 200
        assert sign_in(client, "admin.secret").is_success
        of_pages = policies_of(client, paths)
    return policies_of(guarded, addresses, **bearer("admin")) | of_pages


def test_no_page_runs_or_loads_what_is_not_of_this_service(policies: dict[str, str]) -> None:
    assert {"/", "/docs", "/admin", "/admin/keys", "/admin/sign-in"} <= policies.keys()
    assert len(policies) > 12
    for path, policy in policies.items():
        for directive in PAGE_DIRECTIVES:
            assert directive in policy, path
        sources = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
        assert sources.get("script-src", "'self'") == "'self'", path
        assert "unsafe-eval" not in policy
        assert "http" not in policy
        if not path.endswith(INLINE_STYLES):
            assert "unsafe" not in policy, path


def test_pages_of_other_origins_get_no_permission(guarded: TestClient) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    for route in API:
        for method in (route.method, "OPTIONS"):
            response = guarded.request(method, route.address(), headers=headers)
            assert not [name for name in response.headers if name.startswith("access-control")]


def test_pages_of_a_named_origin_get_permission_and_no_cookie_from_the_cache_too(
    guarded_settings: Settings,
) -> None:
    named = ("https://shop.example", "https://staff.example")
    preflight = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    app = create_app(guarded_settings.model_copy(update={"cors_origins": named}))
    with TestClient(app, base_url=ADDRESS) as client:
        for origin in (*named, "https://shop.example.evil.example", "http://shop.example", "null"):
            expected = origin if origin in named else None
            asked = client.options("/recommendations/1", headers={**preflight, "Origin": origin})
            assert asked.is_success == (origin in named)
            answer = client.get("/recommendations/1", headers={**bearer("read"), "Origin": origin})
            assert answer.status_code == 200
            for response in (asked, answer):
                assert response.headers.get("Access-Control-Allow-Origin") == expected
                assert "Origin" in response.headers["Vary"]
                assert "Access-Control-Allow-Credentials" not in response.headers
        assert "Vary" in client.get("/recommendations/1", headers=bearer("read")).headers


def test_nothing_for_debugging_is_served(guarded: TestClient) -> None:
    assert not create_app().debug
    for path in ("/debug", "/redoc", "/.env", "/.git/config", "/server-status", "/actuator",
                 "/graphql", "/console", "/metrics/", "/var/recommender.db"):  # fmt: skip
        assert guarded.get(path).status_code == 404


def exchange(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)
        received = b""
        while part := connection.recv(65536):
            received += part
    return received


def test_the_server_tells_nothing_of_itself(guarded_settings: Settings, tmp_path: Path) -> None:
    with serving(guarded_settings, tmp_path) as running:
        port = int(running.address.rpartition(":")[2])
        close = b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n"
        for sent in (
            b"GET /nothing HTTP/1.1\r\n" + close,
            b"PUT /users/1/ratings/10 HTTP/1.1\r\nOrigin: http://[\r\nContent-Length: 0\r\n"
            + close,
            b"nonsense\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
            b"GET / HTTP/9.9\r\n" + close,
            b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + close,
        ):
            head = exchange(port, sent).partition(b"\r\n\r\n")[0].lower()
            assert head.startswith((b"http/1.1 4", b"http/1.1 505")), head
            assert b"\r\nserver:" not in head
            for word in (b"uvicorn", b"python", b"h11", b"httptools", b"traceback"):
                assert word not in head
        running.stop()
    assert b"Traceback" not in running.log.read_bytes()

"""The JSON shape of errors, and checks of every request."""

import asyncio
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.types import Message

from app import main
from app.config import Settings
from app.http.middleware.responses import SECURITY_HEADERS
from app.main import MAX_BODY, create_app
from app.registry.endpoints import REPORT_POLICY

SECRET = "the secret of user somebody@example.org"  # noqa: S105

failing = APIRouter()


@failing.get("/fail/{kind}")
def fail(kind: str) -> None:
    """Fail as a database or a bug would."""
    if kind == "statement":
        raise IntegrityError(SECRET, {}, Exception(SECRET))
    if kind == "away":
        raise OperationalError(SECRET, {}, Exception(SECRET))
    if kind == "busy":
        raise PoolTimeoutError(SECRET)
    raise RuntimeError(SECRET)


@pytest.fixture
def failing_client(
    lone_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """A service with a route that fails; what failed does not reach the test as an exception."""
    monkeypatch.setattr(main, "ROUTERS", (*main.ROUTERS, failing))
    app = create_app(lone_settings)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


def assert_error(response: Any, status: int, name: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert body["error"] == name
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    return body


@pytest.mark.parametrize(
    "path", ["/nothing", "/recommendations/", "/movies/1/", "/redoc",
             "//movies/1", "/recommendations/a/b", "/recommendations%2Fa", "/%00", "/%FF"]
)  # fmt: skip
def test_an_unknown_path_is_not_found(lone_client: TestClient, path: str) -> None:
    body = assert_error(lone_client.get(path), 404, "RouteNotFound")
    assert set(body) == {"error", "detail"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/recommendations/1", "GET, HEAD, OPTIONS"),
        ("POST", "/movies/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("POST", "/users/1/ratings/1", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("PATCH", "/users/1/ratings/1", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("TRACE", "/users/1/ratings", "GET, HEAD, OPTIONS, POST"),
        ("PUT", "/health/live", "GET, HEAD, OPTIONS"),
        ("PUT", "/movies/search", "GET, HEAD, OPTIONS"),
        ("DELETE", "/movies/search", "GET, HEAD, OPTIONS"),
        ("PUT", "/recommendations/batch", "OPTIONS, POST"),
        ("POST", "/docs", "GET, HEAD, OPTIONS"),
        ("BREW", "/movies/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
    ],
)
def test_a_method_that_a_path_does_not_serve_is_refused_with_those_it_does(
    lone_client: TestClient, method: str, path: str, allowed: str
) -> None:
    response = lone_client.request(method, path)
    assert_error(response, 405, "MethodNotAllowed")
    assert response.headers["Allow"] == allowed


def test_options_tells_the_methods_of_a_path(lone_client: TestClient) -> None:
    response = lone_client.options("/users/1/ratings/1")
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    assert_error(lone_client.options("/nothing"), 404, "RouteNotFound")


def test_cross_origin_requests_are_not_invited(lone_client: TestClient) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "PUT"}
    for method in ("OPTIONS", "GET"):
        response = lone_client.request(method, "/recommendations/1", headers=headers)
        assert not any(name.startswith("access-control") for name in response.headers)


@pytest.mark.parametrize("path", ["/health/live", "/recommendations/1", "/docs", "/movies/1", "/"])
def test_head_answers_as_get_without_the_body(lone_client: TestClient, path: str) -> None:
    get, head = lone_client.get(path), lone_client.head(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    ours = {"x-request-id"}  # differs with every request
    assert {k: v for k, v in head.headers.items() if k not in ours} == {
        k: v for k, v in get.headers.items() if k not in ours
    }


def test_head_sends_no_body_even_where_the_server_would_let_it(lone_settings: Settings) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "HEAD",
        "path": "/health/live",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
    }
    asyncio.run(create_app(lone_settings)(scope, receive, send))
    assert sent[0]["status"] == 200
    assert b"".join(message["body"] for message in sent[1:]) == b""


def test_malformed_input_is_reported_field_by_field(lone_client: TestClient) -> None:
    response = lone_client.get("/recommendations/a%00", params={"limit": 0, "explain": "x"})
    body = assert_error(response, 422, "InvalidRequest")
    assert set(body) == {"error", "detail", "fields"}
    assert [field["location"] for field in body["fields"]] == [
        ["path", "user"], ["query", "limit"], ["query", "explain"],
    ]  # fmt: skip
    assert all(set(field) == {"location", "message", "type"} for field in body["fields"])
    assert body["detail"].startswith("path.user: ")
    assert body["detail"].endswith("(and 2 more)")


def test_a_parameter_of_one_value_is_given_once(lone_client: TestClient) -> None:
    """As the document says which these are; a list is given as often as it has values."""
    n_refused = 0
    for path, operations in lone_client.get("/openapi.json").json()["paths"].items():
        for method, operation in operations.items():
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                if parameter["in"] != "query":
                    continue
                address = re.sub(r"\{\w+\}", "1", path)
                response = lone_client.request(method, address, params=[(name, "1"), (name, "1")])
                is_refused = '"type":"repeated"' in response.text
                assert is_refused == (parameter["schema"].get("type") != "array"), (path, name)
                n_refused += is_refused
                if is_refused:
                    (field,) = assert_error(response, 422, "InvalidRequest")["fields"]
                    assert field["location"] == ["query", name]
    assert n_refused > 20
    assert lone_client.get("/movies?genre=Drama&genre=Action&limit=5").status_code == 200
    assert lone_client.get("/health/live?x=1&x=2").status_code == 200
    assert lone_client.get("/admin/feedback?by=model&by=arm").status_code == 200


@pytest.mark.parametrize("kind", ["bug", "statement"])
def test_a_bug_answers_500_and_tells_nothing(failing_client: TestClient, kind: str) -> None:
    response = failing_client.get(f"/fail/{kind}")
    body = assert_error(response, 500, "InternalError")
    assert set(body) == {"error", "detail"}
    assert "secret" not in response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("kind", "error", "retry_s"),
    [("away", "DatabaseUnavailable", "1"), ("busy", "DatabaseBusy", "5")],
)
def test_a_database_that_fails_gives_503(
    failing_client: TestClient,
    kind: str,
    error: str,
    retry_s: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = failing_client.get(f"/fail/{kind}")
    assert_error(response, 503, error)
    assert response.headers["Retry-After"] == retry_s
    assert "secret" not in response.text
    assert "the database failed" in caplog.text


# Middleware


def test_every_answer_has_the_security_headers(failing_client: TestClient) -> None:
    for path in ("/health/live", "/nothing", "/fail/bug", "/recommendations/1?limit=0"):
        headers = failing_client.get(path).headers
        for name, value in SECURITY_HEADERS.items():
            assert headers[name] == value
    for response in (
        failing_client.options("/movies/1"),
        failing_client.get("/health/live", headers={"Host": "evil.example"}),
    ):
        assert response.headers["X-Frame-Options"] == "DENY"


def test_the_documentation_may_load_what_it_needs_and_nothing_else(
    lone_client: TestClient,
) -> None:
    response = lone_client.get("/docs")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    sources = [part.split('"')[0] for part in response.text.split('src="')[1:]]
    sources += [part.split('"')[0] for part in response.text.split('href="')[1:]]
    assert len(sources) == 4
    for source in sources:
        assert source == "data:," or lone_client.get(source).status_code == 200
    assert lone_client.get("/docs/index.html").status_code == 404


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8000"]
)
def test_a_loopback_service_answers_under_its_names(lone_client: TestClient, host: str) -> None:
    assert lone_client.get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "localhost.evil.example", "", "127.0.0.1.nip.io",
             "localhost:80:80", "[::1", "10.0.0.1", "testserver"]
)  # fmt: skip
def test_a_loopback_service_does_not_answer_under_another_name(
    lone_client: TestClient, host: str
) -> None:
    response = lone_client.get("/health/live", headers={"Host": host})
    assert_error(response, 421, "HostNotAllowed")


def status_under(settings: Settings, host: str) -> int:
    # Without a `with`: the lifespan is not needed for a route that touches nothing.
    client = TestClient(create_app(settings), base_url=f"http://{host}")
    return int(client.get("/health/live").status_code)


def test_further_names_can_be_allowed() -> None:
    settings = Settings(allowed_hosts=("films.example",))
    assert status_under(settings, "films.example") == 200
    assert status_under(settings, "localhost") == 200
    assert status_under(settings, "evil.example") == 421


def test_a_service_on_a_network_checks_names_only_where_told_which() -> None:
    settings = Settings(host="0.0.0.0", insecure=True)  # noqa: S104
    assert status_under(settings, "anything.example") == 200
    settings = Settings(host="0.0.0.0", insecure=True, allowed_hosts=("films.example",))  # noqa: S104
    assert status_under(settings, "films.example") == 200
    assert status_under(settings, "anything.example") == 421


def send_body(client: TestClient, body: bytes | Iterator[bytes]) -> Any:
    return client.put(
        "/users/1/ratings/1", content=body, headers={"Content-Type": "application/json"}
    )


def test_a_body_that_announces_too_much_is_not_read(lone_client: TestClient) -> None:
    assert_error(send_body(lone_client, b" " * (MAX_BODY + 1)), 413, "ContentTooLarge")


def test_a_body_that_grows_too_long_is_cut_off(lone_client: TestClient) -> None:
    endless = (b" " * 65536 for _ in range(2 + MAX_BODY // 65536))
    assert_error(send_body(lone_client, endless), 413, "ContentTooLarge")


def test_the_largest_body_is_read(lone_client: TestClient) -> None:
    assert_error(send_body(lone_client, b" " * MAX_BODY), 422, "InvalidRequest")


@pytest.mark.parametrize("length", ["9" * 30, str(MAX_BODY + 1)])
def test_a_false_announcement_is_refused(lone_client: TestClient, length: str) -> None:
    headers = {"Content-Length": length, "Content-Type": "application/json"}
    response = lone_client.put("/users/1/ratings/1", content=b"{}", headers=headers)
    assert_error(response, 413, "ContentTooLarge")


@pytest.mark.parametrize(
    ("method", "path", "line"),
    [
        ("GET", "/recommendations/somebody?limit=3", "GET /recommendations/{user} 200 "),
        ("HEAD", "/recommendations/somebody", "HEAD /recommendations/{user} 200 "),
        ("GET", "/recommendations/somebody%20", "GET /recommendations/{user} 422 "),
        ("DELETE", "/users/somebody/ratings/3", "DELETE /users/{user}/ratings/{movie} 204 "),
        ("POST", "/users/somebody/ratings/3", "POST /users/{user}/ratings/{movie} 405 "),
        ("GET", "/somebody", "GET - 404 "),
        ("GET", "/docs", "GET /docs 200 "),
    ],
)
def test_a_request_is_logged_by_its_route_and_never_by_its_user(
    lone_client: TestClient, caplog: pytest.LogCaptureFixture, method: str, path: str, line: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        lone_client.request(method, path)
    ours = [record for record in caplog.records if record.name.startswith(("app", "recommender"))]
    (message,) = [record.getMessage() for record in ours if record.name == "recommender.access"]
    assert message.startswith(line)
    assert message.endswith(" ms")
    assert "some" not in "".join(record.getMessage() for record in ours)


def test_a_bug_is_logged_as_500(
    failing_client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="recommender.access"):
        failing_client.get("/fail/bug")
    assert "GET /fail/{kind} 500 " in caplog.text


def test_a_bug_reaches_the_log_of_the_server(lone_settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(main, "ROUTERS", (*main.ROUTERS, failing))
    with (
        TestClient(create_app(lone_settings), base_url="http://localhost") as client,
        pytest.raises(RuntimeError, match=SECRET),
    ):
        client.get("/fail/bug")


@pytest.mark.parametrize("path", ["/movies/1", "/docs", "/", "/health/live", "/admin"])
def test_every_policy_says_where_forms_go_and_what_relative_addresses_mean(
    lone_client: TestClient, path: str
) -> None:
    """`default-src` covers neither."""
    policy = lone_client.get(path).headers["Content-Security-Policy"]
    rules = {rule.split()[0] for rule in policy.split(";")}
    assert {"default-src", "form-action", "base-uri", "frame-ancestors"} <= rules


def test_the_policy_of_report_cards_says_so_too() -> None:
    assert "form-action 'none'; base-uri 'none'" in REPORT_POLICY

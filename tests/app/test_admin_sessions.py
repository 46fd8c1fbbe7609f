"""Who gets to the operators' pages, for how long, and which forms are believed."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from app.admin.security import COOKIE, MAX_FIELDS
from app.admin.sessions import AT_MOST, IDLE, find_session, open_session
from app.admin.sign_in import TRIES_PER_MINUTE
from app.auth.keys import NewKey, digest
from app.auth.rate_limiter import Limiter
from app.auth.scopes import Scope
from app.auth.service import create_key, list_keys, revoke_key
from app.config import Settings
from app.db.engine import Database
from app.db.tables import admin_sessions
from tests.app.admin import SAME_ORIGIN, cookie, form_token, send, sign_in

PAGES = ["", "/models", "/models/rollback", "/runs", "/runs/1", "/runs/1/events", "/keys"]
Connect = Callable[[], TestClient]


@pytest.fixture
def key(database: Database) -> NewKey:
    return create_key(database, [Scope.ADMIN], "operator")


@pytest.fixture
def browse(settings: Settings, connect_to: Callable[[Settings], TestClient]) -> Connect:
    """Open browsers: as they count loopback, over an address that is safe."""

    def open_() -> TestClient:
        client = connect_to(settings)
        client.base_url = "https://127.0.0.1:8000"
        return client

    return open_


@pytest.fixture
def operator(key: NewKey, browse: Connect) -> TestClient:
    client = browse()
    assert sign_in(client, key.text).url.path == "/admin"
    return client


# For what does not depend on the kind of the database.
once = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def is_signed_in(client: TestClient) -> bool:
    return client.get("/admin").url.path == "/admin"


@pytest.mark.usefixtures("key")
def test_without_a_session_every_page_leads_to_the_sign_in(browse: Connect) -> None:
    client = browse()
    for path in PAGES:
        answer = client.get(f"/admin{path}", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/sign-in")
        assert answer.text == ""
        assert "API key" in client.get(f"/admin{path}").text


@pytest.mark.usefixtures("key")
def test_without_a_session_no_form_is_taken(browse: Connect) -> None:
    client = browse()
    token = form_token(client.get("/admin/sign-in"))
    for path in ("/models/rollback", "/runs", "/keys", "/keys/x/revoke"):
        answer = client.post(f"/admin{path}", data={"form_token": token}, headers=SAME_ORIGIN)
        assert answer.url.path == "/admin/sign-in"


def test_an_admin_key_opens_the_pages(operator: TestClient, key: NewKey) -> None:
    page = operator.get("/admin")
    assert key.prefix in page.text
    assert key.secret not in page.text
    assert operator.get("/admin/sign-in").url.path == "/admin"


def test_other_keys_do_not(database: Database, key: NewKey, browse: Connect) -> None:
    other = create_key(database, [Scope.READ, Scope.WRITE], "")
    client = browse()
    revoked = create_key(database, [Scope.ADMIN], "")
    revoke_key(database, revoked.prefix)
    texts = ["", "x", key.prefix, f"{key.prefix}.", key.text + "x", revoked.text]
    for text, problem in [(other.text, "does not allow"), *((text, "not valid") for text in texts)]:
        answer = sign_in(client, text)
        assert (answer.status_code, problem in answer.text) == (403, True), text
        assert not is_signed_in(client)


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_only_its_hash_is_stored(
    database: Database, browse: Connect, key: NewKey
) -> None:
    operator = browse()
    (answer,) = sign_in(operator, key.text).history
    assert COOKIE.startswith("__Host-")
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"secure", "httponly", "samesite=strict", "path=/"} <= attributes
    assert not any(part.startswith("domain") for part in attributes)
    token = cookie(operator)
    assert token is not None
    with database.read() as connection:
        stored = connection.execute(select(admin_sessions)).all()
    assert token not in repr(stored)
    assert digest(token) in {row.sha256 for row in stored}


def test_signing_in_gives_another_cookie_so_that_a_planted_one_is_worth_nothing(
    key: NewKey, browse: Connect
) -> None:
    client = browse()
    client.get("/admin/sign-in")
    planted = cookie(client)
    assert planted is not None
    sign_in(client, key.text)
    assert cookie(client) not in {planted, None}
    thief = browse()
    thief.cookies.set(COOKIE, planted)
    assert not is_signed_in(thief)


def test_signing_out_ends_the_session_and_not_only_the_cookie(
    operator: TestClient, browse: Connect
) -> None:
    token = cookie(operator)
    assert token is not None
    send(operator, "", "/sign-out")
    assert not is_signed_in(operator)
    other = browse()
    other.cookies.set(COOKIE, token)
    assert not is_signed_in(other)


def test_a_session_ends_with_its_key_at_once(
    database: Database, operator: TestClient, key: NewKey
) -> None:
    assert is_signed_in(operator)
    revoke_key(database, key.prefix)
    assert not is_signed_in(operator)


def set_moments(database: Database, created_at: datetime, expires_at: datetime) -> None:
    with database.unit_of_work() as connection:
        connection.execute(
            update(admin_sessions).values(created_at=created_at, expires_at=expires_at)
        )


def expiry(database: Database) -> datetime:
    with database.read() as connection:
        return connection.execute(select(admin_sessions.c.expires_at)).scalar_one()


def test_a_session_ends_when_it_is_not_used(database: Database, key: NewKey) -> None:
    token, now = open_session(database, key.prefix), datetime.now(UTC)
    assert expiry(database) - now <= IDLE
    set_moments(database, now - IDLE, now - timedelta(seconds=2))
    assert find_session(database, token) is None


def test_use_puts_the_end_off_but_not_beyond_the_longest(database: Database, key: NewKey) -> None:
    token, now = open_session(database, key.prefix), datetime.now(UTC)
    soon = now + timedelta(minutes=5)
    set_moments(database, now - timedelta(hours=1), soon)
    assert find_session(database, token, renew=False) == key.prefix
    assert expiry(database) - soon < timedelta(seconds=1)
    assert find_session(database, token) == key.prefix
    assert expiry(database) > now + IDLE - timedelta(minutes=1)
    set_moments(database, now - AT_MOST + timedelta(minutes=6), soon)
    assert find_session(database, token) == key.prefix
    assert expiry(database) <= now + timedelta(minutes=6)


def test_expired_sessions_are_deleted_at_the_next_sign_in(database: Database, key: NewKey) -> None:
    for _ in range(3):
        open_session(database, key.prefix)
    long_ago = datetime.now(UTC) - 2 * AT_MOST
    set_moments(database, long_ago, long_ago)
    open_session(database, key.prefix)
    assert expiry(database) > datetime.now(UTC)  # of the only one


@once
def test_a_forged_form_is_refused(operator: TestClient, database: Database) -> None:
    for token in ("", "0" * 64, "é"):
        data = {"form_token": token, "scope": "admin"}
        answer = operator.post("/admin/keys", data=data, headers=SAME_ORIGIN)
        assert answer.status_code == 403
        assert "load it again" in answer.text
    assert len(list_keys(database)) == 1


@once
def test_a_form_made_for_another_session_is_refused(
    operator: TestClient, key: NewKey, browse: Connect, database: Database
) -> None:
    other = browse()
    sign_in(other, key.text)
    data = {"form_token": form_token(other.get("/admin/keys")), "scope": "admin"}
    answer = operator.post("/admin/keys", data=data, headers=SAME_ORIGIN)
    assert answer.status_code == 403
    assert len(list_keys(database)) == 1


FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://127.0.0.1:8000"},
    {"Origin": "https://evil.example"},
    {"Origin": "https://127.0.0.1:9000"},
    {"Origin": "null"},
    {},
]


@once
def test_a_form_from_another_origin_is_refused(operator: TestClient, database: Database) -> None:
    data = {"form_token": form_token(operator.get("/admin/keys")), "scope": "admin"}
    for headers in FOREIGN:
        assert operator.post("/admin/keys", data=data, headers=headers).status_code == 403
    assert len(list_keys(database)) == 1


@once
def test_a_form_of_an_old_browser_is_told_by_its_origin(operator: TestClient) -> None:
    data = {"form_token": form_token(operator.get("/admin/keys")), "scope": "read"}
    headers = {"Origin": "https://127.0.0.1:8000"}
    assert operator.post("/admin/keys", data=data, headers=headers).status_code == 200


@once
def test_a_browser_that_keeps_no_cookie_is_told_why(key: NewKey, browse: Connect) -> None:
    client = browse()
    data = {"form_token": form_token(client.get("/admin/sign-in")), "key": key.text}
    client.cookies.clear()
    answer = client.post("/admin/sign-in", data=data, headers=SAME_ORIGIN)
    assert answer.status_code == 403
    assert "HTTPS" in answer.text


@once
def test_an_open_service_asks_for_no_key_but_checks_forms_all_the_same(
    browse: Connect, database: Database
) -> None:
    client = browse()
    page = client.get("/admin/keys")
    assert (page.status_code, "The service is <strong>open</strong>" in page.text) == (200, True)
    assert client.get("/admin/sign-in").url.path == "/admin"
    forged = {"form_token": "0" * 64, "scope": "admin"}
    assert client.post("/admin/keys", data=forged, headers=SAME_ORIGIN).status_code == 403
    data = {"form_token": form_token(page), "scope": "admin"}
    assert client.post("/admin/keys", data=data, headers=FOREIGN[0]).status_code == 403
    assert list_keys(database) == []


def test_the_first_key_closes_the_pages(browse: Connect) -> None:
    client = browse()
    made = send(client, "/keys", "/keys", scope="admin", name="first")
    key = made.text.split('id="secret" value="')[1].split('"')[0]
    assert not is_signed_in(client)
    sign_in(client, key)
    assert is_signed_in(client)


@once
def test_tries_to_sign_in_are_limited(key: NewKey, browse: Connect) -> None:
    client = browse()
    # No time passes: on a busy machine a try would come back in between.
    client.app.state.sign_in_tries = Limiter(TRIES_PER_MINUTE, lambda: 0.0)  # type: ignore[attr-defined]
    statuses = [sign_in(client, f"x{n}").status_code for n in range(TRIES_PER_MINUTE + 1)]
    assert statuses == [403] * TRIES_PER_MINUTE + [429]
    answer = sign_in(client, key.text)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert not is_signed_in(client)


@once
def test_the_log_names_the_key_and_never_a_secret(
    key: NewKey, browse: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = browse()
    sign_in(client, key.text + "x")
    sign_in(client, key.text)
    made = send(client, "/keys", "/keys", scope="read")
    secret = made.text.split('id="secret" value="')[1].split('"')[0].partition(".")[2]
    written = "\n".join(f"{r.getMessage()} {r.__dict__}" for r in caplog.records)
    assert f"signed in with key {key.prefix}" in written
    for hidden in (key.secret, secret, cookie(client), form_token(client.get("/admin/keys"))):
        assert hidden
        assert hidden not in written


@once
def test_no_page_may_be_framed_kept_or_run_what_is_not_ours(operator: TestClient) -> None:
    for path in (*PAGES, "/sign-in", "/nothing"):
        answer = operator.get(f"/admin{path}")
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy


ERRORS = [
    ("GET", "/admin/nothing", 404),
    ("GET", "/admin/models/x", 422),
    ("GET", "/admin/runs/0", 422),
    ("GET", "/admin/runs/1", 404),
    ("GET", "/admin/models/rollback", 409),
    ("GET", "/admin/keys/x/revoke", 404),
    ("GET", "/admin/keys/%00/revoke", 422),
    ("PUT", "/admin/models", 405),
    ("POST", "/admin", 405),
]


def test_errors_are_pages(operator: TestClient) -> None:
    for method, path, status in ERRORS:
        answer = operator.request(method, path)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.text.startswith("<!DOCTYPE html>")
        assert "X-Request-ID" in answer.headers


@once
def test_head_is_answered_as_get_without_the_page(operator: TestClient) -> None:
    for path, status in (("/admin", 200), ("/admin/nothing", 404)):
        answer = operator.head(path)
        assert (answer.status_code, answer.content) == (status, b"")


@once
def test_what_only_begins_like_the_path_of_these_pages_is_answered_as_elsewhere(
    operator: TestClient,
) -> None:
    assert operator.get("/administration").json()["error"] == "RouteNotFound"


@once
def test_a_form_with_more_fields_than_any_of_ours_is_refused(operator: TestClient) -> None:
    token = form_token(operator.get("/admin/keys"))
    data = {"form_token": token, "scope": ["read"] * MAX_FIELDS}
    assert operator.post("/admin/keys", data=data, headers=SAME_ORIGIN).status_code == 403


@once
def test_the_session_of_these_pages_opens_nothing_of_the_api(operator: TestClient) -> None:
    assert operator.get("/models").status_code == 401
    assert operator.post("/training-runs").status_code == 401


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/admin", "GET, HEAD, OPTIONS"),
        ("/admin/keys", "GET, HEAD, OPTIONS, POST"),
        ("/admin/keys/0b1c/revoke", "GET, HEAD, OPTIONS, POST"),
        ("/admin/models/rollback", "GET, HEAD, OPTIONS, POST"),
        ("/admin/runs/1/events", "GET, HEAD, OPTIONS"),
        ("/admin/sign-out", "OPTIONS, POST"),
    ],
)
def test_other_methods_are_told_which_ones_a_page_has(
    lone_client: TestClient, path: str, allowed: str
) -> None:
    for method, status in (("PUT", 405), ("OPTIONS", 204)):
        response = lone_client.request(method, path)
        assert (response.status_code, response.headers["Allow"]) == (status, allowed)

"""The settings, and the page that lists them."""

import logging
import logging.config
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from sqlalchemy.engine import make_url

from app.config import PREFIX, Settings
from app.core.logging import log_config

PROXIES = (ip_network("10.0.0.1/32"), ip_network("192.168.0.0/16"))
ROOT = Path(__file__).parent.parent.parent


def documented_default(value: Any) -> str:
    if value in ((), None):
        return ""
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def row(name: str, field: FieldInfo) -> str:
    default = documented_default(field.default)
    return f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |".replace("|  |", "| |")


def test_the_documentation_lists_every_setting_as_it_is() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    listed = [line for line in page.splitlines() if line.startswith(f"| `{PREFIX}")]
    assert listed == [row(name, field) for name, field in Settings.model_fields.items()]


def test_the_defaults_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    settings = Settings()
    for name, field in Settings.model_fields.items():
        assert getattr(settings, name) == field.default
    assert settings.on_loopback


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DATABASE_URL", "postgresql://me@db/films", "postgresql://me@db/films"),
        ("DATABASE_URL", "postgresql+psycopg://me@db/films", "postgresql+psycopg://me@db/films"),
        ("MODELS_DIR", "/data/models", Path("/data/models")),
        ("LIKE_THRESHOLD", "3.5", 3.5),
        ("FEEDBACK_DAYS", "90", 90),
        ("RECENCY_WEIGHT", "1", 1.0),
        ("RECENCY_SHARE", "0.1", 0.1),
        ("RECENCY_PSEUDO_LIKES", "300", 300.0),
        ("RATING_HALF_LIFE_DAYS", "365", 365.0),
        ("PORT", "0", 0),
        ("ALLOWED_HOSTS", "Movies.example, films.test ,", ("movies.example", "films.test")),
        ("ALLOWED_HOSTS", "", ()),
        ("LOG_LEVEL", "warning", "warning"),
        ("INSECURE", "true", True),
        ("BOOTSTRAP_ADMIN_KEY_FILE", "/run/keys/admin", Path("/run/keys/admin")),
        ("BOOTSTRAP_ADMIN_KEY_FILE", "", None),
        ("PUBLIC_PAGE", "false", False),
        ("PUBLIC_PAGE", "", None),
        ("POSTER_URL", "http://images.example:81/{key}.jpg", "http://images.example:81/{key}.jpg"),
        ("POSTER_URL", "", None),
        ("ITEM_NOUN", "album", "album"),
        ("TRUSTED_PROXIES", "10.0.0.1, 192.168.0.0/16", PROXIES),
        ("CORS_ORIGINS", "https://films.example,*", ("https://films.example", "*")),
    ],
)
def test_a_setting_comes_from_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: Any
) -> None:
    monkeypatch.setenv(PREFIX + name, text)
    assert getattr(Settings(), name.lower()) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://db/films"),
        ("DATABASE_URL", "films.db"),
        ("DATABASE_URL", ""),
        ("DATASETS_URL", "ftp://example.org"),
        ("LIKE_THRESHOLD", "0"),
        ("LIKE_THRESHOLD", "nan"),
        ("LIKE_THRESHOLD", "5.5"),
        ("FEEDBACK_DAYS", "0"),
        ("FEEDBACK_DAYS", "3651"),
        ("RECENCY_WEIGHT", "-1"),
        ("RECENCY_WEIGHT", "5.5"),
        ("RECENCY_SHARE", "0"),
        ("RECENCY_PSEUDO_LIKES", "0"),
        ("RATING_HALF_LIFE_DAYS", "-1"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("HOST", ""),
        ("LOG_LEVEL", "chatty"),
        ("INSECURE", "perhaps"),
        ("POSTER_URL", "/posters/{key}.jpg"),
        ("POSTER_URL", "https://{key}.example/poster.jpg"),
        ("POSTER_URL", "https://images.example/poster.jpg"),
        ("POSTER_URL", "https://images.example/{title}.jpg"),
        ("POSTER_URL", "https://images.example; script-src *{key}"),
        ("ITEM_NOUN", ""),
        ("ITEMS_NOUN", "x" * 41),
        ("WORKERS", "0"),
        ("KEY_RATE_LIMIT", "-1"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CORS_ORIGINS", "movies.example"),
        ("CORS_ORIGINS", "https://films.example/page"),
    ],
)
def test_a_value_that_is_not_valid_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(PREFIX + name, text)
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert caught.value.errors()[0]["loc"][0] == name.lower()


def test_a_misspelt_variable_is_refused_with_the_right_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECOMMENDER_DATABSE_URL", "sqlite:///elsewhere.db")
    with pytest.raises(ValidationError, match=r"did you mean RECOMMENDER_DATABASE_URL\?"):
        Settings()


def serve_in_kubernetes(monkeypatch: pytest.MonkeyPatch, service: str, **changes: str) -> None:
    """Set what a pod is told of a Service with the port `http`."""
    name = service.upper().replace("-", "_")
    link = "tcp://10.96.0.12:80"
    variables = {
        "SERVICE_HOST": "10.96.0.12", "SERVICE_PORT": "80", "SERVICE_PORT_HTTP": "80",
        "PORT": link, "PORT_80_TCP": link, "PORT_80_TCP_PROTO": "tcp", "PORT_80_TCP_PORT": "80",
        "PORT_80_TCP_ADDR": "10.96.0.12", **changes,
    }  # fmt: skip
    for end, value in variables.items():
        monkeypatch.setenv(f"{name}_{end}", value)


@pytest.mark.parametrize(
    "service", ["recommender", "recommender-metrics", "recommender-db-0", "recommenders"]
)
def test_what_kubernetes_says_of_a_service_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    before = Settings()
    serve_in_kubernetes(monkeypatch, service)
    assert Settings() == before
    assert Settings(port=9000).port == 9000


def test_a_port_that_the_pod_sets_counts_beside_what_kubernetes_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serve_in_kubernetes(monkeypatch, "recommender", PORT="8080")
    assert Settings().port == 8080


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RECOMMENDER_SERVICE_HOSTS", "10.96.0.12"),
        ("RECOMMENDER_PORT_HTTP", "tcp://10.96.0.12:80"),
        ("RECOMMENDER_METRICS_SERVICE_HOST", "10.96.0.12"),  # its port would be there too
        ("RECOMMENDER_WORKRES", "2"),
    ],
)
def test_beside_them_a_misspelt_variable_is_still_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    serve_in_kubernetes(monkeypatch, "recommender")
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=f"{name} is not a setting"):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [("SERVICE_HOST", "recommender.example"), ("SERVICE_PORT", "http")],
)
def test_a_host_without_an_address_and_port_is_no_service(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    serve_in_kubernetes(monkeypatch, "recommender", **{name: value})
    with pytest.raises(ValidationError, match="RECOMMENDER_PORT_80_TCP is not a setting"):
        Settings()


def test_variables_of_the_tests_are_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Settings()
    monkeypatch.setenv("RECOMMENDER_TEST_ANYTHING", "1")
    assert Settings() == before


def test_a_password_is_neither_shown_nor_repeated_in_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", "postgresql://me:secret@db/films")
    assert "secret" not in repr(Settings())
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", "mysql://me:secret@db/films")
    with pytest.raises(ValidationError) as caught:
        Settings()
    assert "secret" not in str(caught.value)


def test_the_password_of_the_database_comes_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss/w:rd\n")
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", "postgresql://me:other@db/films")
    monkeypatch.setenv("RECOMMENDER_DATABASE_PASSWORD_FILE", str(file))
    address = make_url(Settings().database_url)
    assert (address.host, address.password) == ("db", "p@ss/w:rd")
    assert "w:rd" not in repr(Settings())


@pytest.mark.parametrize(
    ("address", "password", "said"),
    [
        ("postgresql://me@db/films", None, "cannot read .*: No such file or directory"),
        ("postgresql://me@db/films", b"\n", "is empty"),
        ("postgresql://me@db/films", b"\xff\xfe", "it is no text"),
        ("postgresql://db/films", b"secret", "RECOMMENDER_DATABASE_URL names no user"),
        ("sqlite:///films.db", b"secret", "an SQLite database has no password"),
    ],
)
def test_a_password_that_cannot_be_used_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    address: str,
    password: bytes | None,
    said: str,
) -> None:
    file = tmp_path / "password"
    if password is not None:
        file.write_bytes(password)
    monkeypatch.setenv("RECOMMENDER_DATABASE_URL", address)
    monkeypatch.setenv("RECOMMENDER_DATABASE_PASSWORD_FILE", str(file))
    with pytest.raises(ValidationError, match=f"RECOMMENDER_DATABASE_PASSWORD_FILE: .*{said}"):
        Settings()


@pytest.mark.parametrize(
    ("host", "on_loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("LOCALHOST", True),
        ("::", False),
        ("10.0.0.1", False),
        ("movies.example", False),
        ("localhost.example", False),
    ],
)
def test_only_a_loopback_address_is_one(host: str, on_loopback: bool) -> None:
    assert Settings(host=host).on_loopback == on_loopback


def test_the_log_shows_requests_at_info_and_no_addresses_of_uvicorn(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = logging.root.handlers[:]
    try:
        for level, shown in (("info", True), ("warning", False)):
            settings = Settings.model_validate({"log_level": level, "log_format": "line"})
            logging.config.dictConfig(log_config(settings))
            logging.getLogger("recommender.access").info("GET /movies/{movie} 200 1.0 ms")
            logging.getLogger("uvicorn.access").info("GET /users/somebody")
            logging.getLogger("uvicorn.error").info("Started server process")
            logging.getLogger("uvicorn.error").error("broken")
            text = capsys.readouterr().err
            assert ("INFO recommender.access: GET /movies/{movie} 200" in text) == shown
            assert "somebody" not in text
            assert "Started" not in text
            assert "ERROR uvicorn.error: broken" in text
    finally:
        logging.root.handlers[:] = before
        logging.root.setLevel(logging.WARNING)
        logging.getLogger("recommender.access").handlers.clear()
        for name in ("app", "recommender.access", "uvicorn", "uvicorn.access"):
            logging.getLogger(name).setLevel(logging.NOTSET)
            logging.getLogger(name).propagate = True

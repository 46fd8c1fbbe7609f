"""Settings, read once from `RECOMMENDER_*` environment variables and validated at the start."""

import ipaddress
import os
import re
from difflib import get_close_matches
from importlib.util import find_spec
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

VAR = Path("var")
PREFIX = "RECOMMENDER_"
TEST_PREFIX = "RECOMMENDER_TEST_"  # read by the tests alone
BACKENDS = ("sqlite", "postgresql")
# One clause of `event_rule`; `app.events.rule` says what it means.
EVENT_CLAUSE = re.compile(
    r"(?:(?P<kind>clicked|purchased|watched)"
    r"|watched(?P<sign>>=|<)(?P<share>0|1|0?\.[0-9]{1,6}))"
    r"=(?P<meaning>like|dislike|seen|nothing)"
)
# What Kubernetes tells each pod of a Service: `<NAME>_SERVICE_HOST` and the like.
OF_SERVICE = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
HOST = "_SERVICE_HOST"
LINK = re.compile(r"(tcp|udp|sctp)://\S+:\d+", re.IGNORECASE)
# A host without a field, so that the content policy of the page can name it; then the rest.
POSTER_URL = re.compile(
    r"(?P<origin>https?://[A-Za-z0-9._\-\[\]:]+)/[^\s{}]*(\{[a-z_]+\}[^\s{}]*)+"
)
POSTER_FIELDS = {"tmdb_id", "imdb_id", "key"}


class Settings(BaseSettings):
    """The settings of an installation."""

    # The error does not repeat an invalid value, which can hold a password.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database_url: Annotated[
        str,
        Field(
            repr=False,
            description="SQLAlchemy address of the database: `sqlite:///path` or `postgresql://…`",
        ),
    ] = f"sqlite:///{VAR / 'recommender.db'}"
    database_password_file: Annotated[
        Path | None,
        Field(description="File with the password of the database, in place of one in its address"),
    ] = None
    models_dir: Annotated[Path, Field(description="Folder of the published models")] = (
        VAR / "models"
    )
    models_url: Annotated[
        str | None,
        Field(
            repr=False,
            description="Store of the published models in place of that folder: "
            "`s3://bucket/path`, `gs://…`, `az://…` or any other address of fsspec. The folder "
            "then holds copies of the models in use",
        ),
    ] = None
    models_cache_bytes: Annotated[
        int,
        Field(
            ge=0,
            le=10**15,
            description="Bytes of such copies that the folder keeps beside those in use",
        ),
    ] = 2 * 1024**3
    datasets_dir: Annotated[
        Path, Field(description="Folder where data sets are looked for, and downloaded to")
    ] = VAR / "datasets"
    datasets_url: Annotated[
        AnyHttpUrl, Field(description="Where data sets are downloaded from: `<url>/<name>.zip`")
    ] = AnyHttpUrl("https://files.grouplens.org/datasets/movielens/")
    like_threshold: Annotated[
        float,
        Field(ge=0.5, le=5, description="A rating of at least this many stars is a like"),
    ] = 4.0
    recency_weight: Annotated[
        float,
        Field(
            ge=0,
            le=5,
            description="How much movies that are liked lately rise in personal lists; 0 for not "
            "at all, 1 where tomorrow counts",
        ),
    ] = 0.0
    recency_share: Annotated[
        float,
        Field(gt=0, le=1, description="The latest share of all ratings, which counts as lately"),
    ] = 0.05
    recency_pseudo_likes: Annotated[
        float,
        Field(
            gt=0,
            le=10**9,
            description="Likes in the proportions of all time that are added to those given "
            "lately: the more, the less a few likes raise a movie",
        ),
    ] = 1000.0
    rating_half_life_days: Annotated[
        float,
        Field(
            ge=0,
            le=100_000,
            description="A user's rating weighs half as much as one given so many days later; "
            "0 for the same weight, 365 where tomorrow counts",
        ),
    ] = 0.0
    event_rule: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="What events imply, separated by commas: `clicked`, `purchased` or "
            "`watched`, for `watched` also with a share (`watched>=0.7`, `watched<0.1`), then `=` "
            "and `like`, `dislike`, `seen` or `nothing`. The first that fits counts; nothing is "
            "implied by any other event"
        ),
    ] = ("purchased=like", "watched>=0.7=like")
    feedback_days: Annotated[
        int,
        Field(
            ge=1,
            le=3650,
            description="Days for which feedback is kept: longer than experiments last, and than "
            "scenarios do not list again what was shown",
        ),
    ] = 365
    keep_models: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="Published models that a retraining leaves, the newest; the active one and "
            "the one before it stay in any case",
        ),
    ] = 10
    model_upload_limit: Annotated[
        int,
        Field(
            ge=0,
            le=10**12,
            description="Bytes of the largest model that `POST /models/import` takes",
        ),
    ] = 2 * 1024**3
    training_lease_seconds: Annotated[
        float,
        Field(
            ge=1,
            le=3600,
            description="A training process that gives no sign of life for so long has lost its "
            "run: another training may begin",
        ),
    ] = 60.0
    host: Annotated[str, Field(min_length=1, max_length=253, description="Address to serve on")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int, Field(ge=0, le=65535, description="Port to serve on; 0 takes a free one")
    ] = 8000
    allowed_hosts: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Further names, separated by commas, under which clients may address the "
            "service; on a loopback address the names of that address always may"
        ),
    ] = ()
    workers: Annotated[int, Field(ge=1, le=256, description="Processes that answer requests")] = 1
    scoring_threads: Annotated[
        int,
        Field(
            ge=1,
            le=256,
            description="Threads of a matrix product when serving; more than one pays only for "
            "catalogues of some 100,000 movies and few concurrent requests",
        ),
    ] = 1
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=300,
            description="Seconds between SIGTERM and the end, in which everything is still "
            "answered but `/health/ready` says 503, so that a load balancer looks elsewhere",
        ),
    ] = 0.0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="`info` logs every request by its route, `warning` only what is wrong"),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "line"],
        Field(
            description="One JSON object or one line of text per event; `auto` is text on a "
            "terminal, JSON elsewhere"
        ),
    ] = "auto"
    metrics_port: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            description="Port on which `/metrics` is served without a key, at the same address; "
            "0 for none. On the port of the service it needs a key that may read",
        ),
    ] = 0
    trace_share: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Share of the requests that are traced with OpenTelemetry, 0 for none; "
            "where traces are sent to is told by its own variables, `OTEL_EXPORTER_OTLP_ENDPOINT` "
            "and others",
        ),
    ] = 0.0
    insecure: Annotated[
        bool,
        Field(description="Serve on an address other than loopback although there is no API key"),
    ] = False
    bootstrap_admin_key_file: Annotated[
        Path | None,
        Field(
            description="File of the first admin key: read, or drawn and written there, when the "
            "service starts on a database that never had a key"
        ),
    ] = None
    public_page: Annotated[
        bool | None,
        Field(
            description="Show the page for people, and answer what it asks about movies without a "
            "key; where not set, only on a loopback address without proxies or further names"
        ),
    ] = None
    guide_dir: Annotated[
        Path | None,
        Field(
            description="Folder of the documentation as `make docs` builds it, shown at `/guide` "
            "without a key; the image has one in `/opt/guide` if it was built with it"
        ),
    ] = None
    poster_url: Annotated[
        str | None,
        Field(
            max_length=1000,
            description="Posters of the page for people: an address with one or more of "
            "`{tmdb_id}`, `{imdb_id}` and `{key}`, such as `https://images.example/{tmdb_id}.jpg`. "
            "Browsers load images from its host; without it, each film has a drawn cover",
        ),
    ] = None
    item_noun: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="What the page for people calls one of the things that are recommended",
        ),
    ] = "film"
    items_noun: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            pattern=r"^[^\x00-\x1f\x7f]+$",
            description="The same for more than one",
        ),
    ] = "films"
    key_rate_limit: Annotated[
        int,
        Field(
            ge=0,
            le=10**9,
            description="Requests per minute and API key, a long body counting as several; 0 for "
            "no limit",
        ),
    ] = 6_000
    address_rate_limit: Annotated[
        int,
        Field(
            ge=0,
            le=10**9,
            description="Requests per minute and client address without a valid key, counted in "
            "the same way; 0 for no limit",
        ),
    ] = 600
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        NoDecode,
        Field(
            description="Addresses and networks of our own proxies, separated by commas; "
            "`X-Forwarded-For` is believed from these alone"
        ),
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(
            description="Origins, separated by commas, whose web pages may call the API from a "
            "browser; `*` for all"
        ),
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_variables(cls, values: Any) -> Any:
        known = {PREFIX + name.upper() for name in cls.model_fields}
        injected = _injected_variables()
        for name in sorted(os.environ):
            ours = name.upper().startswith(PREFIX) and not name.upper().startswith(TEST_PREFIX)
            if ours and name.upper() not in known | injected:
                close = get_close_matches(name.upper(), known, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise ValueError(f"{name} is not a setting{hint}")
        # The link of a Service `recommender`, tcp://…, is in RECOMMENDER_PORT, and no setting.
        return {
            name: value
            for name, value in values.items()
            if not (PREFIX + name.upper() in injected and LINK.fullmatch(str(value)))
        }

    @field_validator(
        "allowed_hosts", "trusted_proxies", "cors_origins", "event_rule", mode="before"
    )
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip().lower() for name in value.split(",") if name.strip())
        return value

    @field_validator(
        "bootstrap_admin_key_file",
        "database_password_file",
        "models_url",
        "public_page",
        "guide_dir",
        "poster_url",
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value  # `${VARIABLE:-}` in a compose file

    @field_validator("poster_url")
    @classmethod
    def _poster_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not POSTER_URL.fullmatch(value):
            raise ValueError(
                "this is no address such as https://images.example/{tmdb_id}.jpg, with the fields "
                "behind the host"
            )
        unknown = set(re.findall(r"\{(\w+)\}", value)) - POSTER_FIELDS
        if unknown:
            fields = ", ".join(sorted(POSTER_FIELDS))
            raise ValueError(f"{{{min(unknown)}}} is no field of a poster ({fields})")
        return value

    @field_validator("trace_share")
    @classmethod
    def _can_trace(cls, value: float) -> float:
        if value and not _is_installed("opentelemetry.exporter.otlp.proto.http"):
            raise ValueError('this needs `pip install "recommender[otel]"`')
        return value

    @field_validator("event_rule")
    @classmethod
    def _clauses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for clause in value:
            if not EVENT_CLAUSE.fullmatch(clause):
                raise ValueError(
                    f"{clause!r} is no clause such as purchased=like or watched<0.1=seen"
                )
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
                raise ValueError(f"{origin} is no origin such as https://movies.example")
        return value

    @field_validator("database_url")
    @classmethod
    def _known_backend(cls, value: str) -> str:
        try:
            backend = make_url(value).get_backend_name()
        except ArgumentError as error:
            raise ValueError("this is no database address") from error
        if backend not in BACKENDS:
            raise ValueError(f"the database is {' or '.join(BACKENDS)}, not {backend}")
        return value

    @model_validator(mode="after")
    def _password_from_file(self) -> "Settings":
        if self.database_password_file is not None:
            url = _with_password(self.database_url, self.database_password_file)
            object.__setattr__(self, "database_url", url)  # the model is frozen
        return self

    def as_environment(self) -> dict[str, str]:
        """Return the variables that make the same settings in another process."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            PREFIX + name.upper(): ",".join(map(str, value))
            if isinstance(value, tuple)
            else str(value)
            for name, value in values.items()
            if value is not None
        }

    @property
    def on_loopback(self) -> bool:
        """True when only this machine can reach the service."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_private(self) -> bool:
        """True when only this machine can reach the service, without a proxy in front."""
        return self.on_loopback and not self.trusted_proxies and not self.allowed_hosts

    @property
    def shows_public_page(self) -> bool:
        """True when anonymous clients may use the public page."""
        return self.is_private if self.public_page is None else self.public_page


def _injected_variables() -> set[str]:
    """Return what Kubernetes sets for Services named `recommender`, or `recommender-` and more.

    A Service is told by its host and port together; RECOMMENDER_PORT may be one of its variables.
    """
    hosts = [name for name, value in os.environ.items() if _is_address(value)]
    services = [name.removesuffix(HOST) for name in hosts if name.endswith(HOST)]
    return {
        name
        for service in services
        if os.environ.get(f"{service}_SERVICE_PORT", "").isdecimal()
        for name in os.environ
        if name.startswith(service) and OF_SERVICE.fullmatch(name.removeprefix(service))
    }


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even its package
        return False


def _with_password(url: str, file: Path) -> str:
    setting = f"{PREFIX}DATABASE_PASSWORD_FILE"
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        raise ValueError(f"{setting}: an SQLite database has no password")
    if address.username is None:
        raise ValueError(f"{setting}: {PREFIX}DATABASE_URL names no user")
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ValueError(f"{setting}: cannot read {file}: {reason}") from error
    if not password:
        raise ValueError(f"{setting}: {file} is empty")
    return address.set(password=password).render_as_string(hide_password=False)

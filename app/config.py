"""Settings, read once from ``RECOMMENDER_*`` environment variables and validated at start."""

import ipaddress
import os
import re
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

VAR = Path("var")
PREFIX = "RECOMMENDER_"
TEST_PREFIX = "RECOMMENDER_TEST_"  # these are read by the tests alone
BACKENDS = ("sqlite", "postgresql")


class Settings(BaseSettings):
    """Everything that differs between two installations."""

    # An invalid value is not repeated in the error: an address can hold a password.
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
    models_dir: Annotated[Path, Field(description="Folder of the published models")] = (
        VAR / "models"
    )
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
    insecure: Annotated[
        bool,
        Field(description="Serve on an address other than loopback although there is no API key"),
    ] = False
    key_rate_limit: Annotated[
        int,
        Field(ge=0, le=10**9, description="Requests per minute and API key; 0 for no limit"),
    ] = 60_000
    address_rate_limit: Annotated[
        int,
        Field(
            ge=0,
            le=10**9,
            description="Requests per minute and client address without a valid key; 0 for no "
            "limit",
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
        for name in sorted(os.environ):
            ours = name.upper().startswith(PREFIX) and not name.upper().startswith(TEST_PREFIX)
            if ours and name.upper() not in known:
                close = get_close_matches(name.upper(), known, n=1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise ValueError(f"{name} is not a setting{hint}")
        return values

    @field_validator("allowed_hosts", "trusted_proxies", "cors_origins", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(name.strip().lower() for name in value.split(",") if name.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
                raise ValueError(f"{origin} is no origin such as https://films.example")
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

    @property
    def on_loopback(self) -> bool:
        """True when only this machine can reach the service."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

"""What `recommender check` looks at: each check says what it has found, or raises what is wrong."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, func, select, text

from app.auth import repository as keys
from app.auth.bootstrap import SETTING, read_first_key
from app.auth.service import check_bind
from app.backup import repository as backups
from app.cli.failures import naming_database, one_line
from app.cli.http_server import PortTakenError, bound_socket
from app.cli.session import open_store, read_settings, refuse_behind, refuse_missing
from app.config import PREFIX, Settings
from app.core.disk import existing, folders
from app.db import schema
from app.db.engine import Database
from app.db.limits import REQUESTS
from app.db.model_versions import active_version
from app.db.sql import now
from app.db.tables import model_versions
from app.registry import repository as models
from model.artifact import CARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from app.store.folder import ModelStore

# With less than this a disk is as good as full; with less than `FEW` times that it soon will be.
MIN_FREE_BYTES = {"models": 10**8, "database": 10**8, "temporary": 10**7}
FEW = 10
# Leases are by the clock of the database, available movies and reports by that of this machine.
MAX_CLOCK_DIFFERENCE = timedelta(seconds=5)
# Connections to PostgreSQL for its administrators, jobs and commands.
OTHER_CONNECTIONS = 20
ASK_TIMEOUT_S = 3
# What the service answers at `/health/live`, the second where it is asked under another name.
OURS = {"status": "live", "error": "HostNotAllowed"}


class State(StrEnum):
    """What a check says."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """What one check has found, and what to do about it."""

    name: str
    state: State
    text: str


class Installation(NamedTuple):
    """What is checked."""

    settings: Settings
    database: Database


class Advice(str):
    """What should be mended, although the service works."""

    __slots__ = ()


class CheckFailedError(Exception):
    """The service could not do its work."""


def findings() -> list[Finding]:
    """Check everything, one after the other; what needs the database is skipped without it."""
    try:
        settings = read_settings()
    except ValueError as error:
        first = Finding("settings", State.FAILED, one_line(error))
        return [first, *_skipped([*CHECKS, *CHECKS_OF_DATA][1:], first.name)]
    database = Database(settings.database_url, REQUESTS)
    here = Installation(settings, database)
    try:
        found = [_finding(name, check, here) for name, check in CHECKS.items()]
        reasons = [each.name for each in found if each.state is State.FAILED]
        if NEEDED in reasons:
            return [*found, *_skipped(CHECKS_OF_DATA, NEEDED)]
        return [*found, *(_finding(name, each, here) for name, each in CHECKS_OF_DATA.items())]
    finally:
        database.dispose()


def _skipped(names: Iterable[str], reason: str) -> list[Finding]:
    return [Finding(name, State.SKIPPED, f"see {reason}") for name in names]


def _finding(name: str, check: Callable[[Installation], str], here: Installation) -> Finding:
    try:
        with naming_database(here.database.url):
            said = check(here)
    except Exception as error:
        return Finding(name, State.FAILED, one_line(error))
    return Finding(name, State.WARNING if isinstance(said, Advice) else State.OK, said)


def _settings(here: Installation) -> str:
    settings = here.settings
    n_set, n_all = len(settings.model_fields_set), len(type(settings).model_fields)
    return f"{n_set} of {n_all} are set, the others have their defaults"


def _database(here: Installation) -> str:
    refuse_missing(here.database)
    refuse_behind(here.database)
    named = f"{here.database.url.render_as_string()} at revision {schema.current(here.database)}"
    if here.database.is_sqlite:
        _refuse_read_only(Path(here.database.url.database or ""))
        return named
    with here.database.read() as connection:
        return _postgresql(connection, named, here.settings.workers)


def _refuse_read_only(file: Path) -> None:
    for place in (file, file.parent):
        if not os.access(place, os.W_OK):
            raise CheckFailedError(f"{place} cannot be written by this account")


def _postgresql(connection: Connection, named: str, n_workers: int) -> str:
    query = text("SELECT current_setting(:name)")
    version, read_only, most = (
        str(connection.scalar(query, {"name": name}))
        for name in ("server_version", "default_transaction_read_only", "max_connections")
    )
    if read_only == "on" or connection.scalar(text("SELECT pg_is_in_recovery()")):
        raise CheckFailedError(f"{named} may only be read: a standby, or set so by an operator")
    wanted = n_workers * REQUESTS.connections
    said = f"{named}, PostgreSQL {version}: {n_workers} x {REQUESTS.connections} of its {most}"
    if wanted + OTHER_CONNECTIONS > int(most):
        return Advice(f"{said} connections; raise max_connections, or lower {PREFIX}WORKERS")
    return f"{said} connections"


def _disk(here: Installation) -> str:
    said, few = [], False
    for name, folder in folders(here.settings).items():
        free = shutil.disk_usage(existing(folder)).free
        said.append(f"{name} {free / 10**9:,.1f} GB free")
        if free < MIN_FREE_BYTES[name]:
            raise CheckFailedError(f"{said[-1]} in {folder}: free space, or choose another folder")
        few = few or free < FEW * MIN_FREE_BYTES[name]
    line = ", ".join(said)
    return Advice(f"{line}: soon that will be too little") if few else line


def _ports(here: Installation) -> str:
    settings, said = here.settings, []
    for name, port in {"PORT": settings.port, "METRICS_PORT": settings.metrics_port}.items():
        if not port:
            continue
        try:
            with bound_socket(settings.host, port, PREFIX + name):
                said.append(f"{port} is free")
        except PortTakenError:
            if not _is_ours(settings.host, port):
                raise
            said.append(f"this service listens on {port}")
    return f"{settings.host}: {', '.join(said) or 'one that is free is taken'}"


def _is_ours(host: str, port: int) -> bool:
    """Tell whether it is this service that listens there, or its metrics."""
    address = host if host.strip("0.:") else "localhost"  # who serves on all addresses has that one
    with closing(HTTPConnection(address, port, timeout=ASK_TIMEOUT_S)) as asked:
        try:
            asked.request("GET", "/health/live")
            body = asked.getresponse().read(10**6)
            return b"recommender_" in body or bool(OURS.items() & json.loads(body).items())
        except (OSError, HTTPException, ValueError, AttributeError, TypeError):
            return False


def _models(here: Installation) -> str:
    store = open_store(here.settings)
    with here.database.read() as connection:
        active = active_version(connection)
        checksums = {row.version: row.sha256 for row in models.versions(connection)}
    if active.version is not None:
        store.load(active.version, checksums[active.version])  # as a worker does
    damaged = [each for each, sha256 in checksums.items() if not _is_whole(store, each, sha256)]
    if active.version is not None and active.version in damaged:
        place = store.place(active.version)
        raise CheckFailedError(f"{place} is damaged: `recommender models rollback`, or restore it")
    if damaged:
        return Advice(
            f"damaged: {', '.join(damaged)}; `recommender models remove`, or restore them"
        )
    if active.version is None:
        what = "models rollback" if active.previous else "retrain"
        return Advice(f"none is active, so that all lists are popular: `recommender {what}`")
    folder = here.settings.models_dir
    if not os.access(existing(folder), os.W_OK):
        return Advice(f"{folder} cannot be written by this account: nothing can be published")
    return f"{active.version} is active, {len(checksums)} in all, all whole"


def _is_whole(store: ModelStore, version: str, sha256: str) -> bool:
    """Tell whether the files of a model are where it was published, with their checksums."""
    if not store.is_whole(version, {CARD: sha256}):
        return False
    files: dict[str, str] = json.loads(store.read(version, CARD))["files"]
    return store.is_whole(version, files)


def _backups(here: Installation) -> str:
    with here.database.read() as connection:
        state = backups.state(connection)
    if state.last is None or state.age_s is None:
        return Advice("none is known: `recommender backup FOLDER --every 24h`")
    said = f"the last good one is {state.age_s / 3600:,.1f} hours old"
    if state.overdue_s is not None and state.overdue_s > 0:
        why = f": {state.failed.error}" if state.failed else "; does its process run?"
        return Advice(f"{said}, the next one {state.overdue_s / 3600:,.1f} hours late{why}")
    return said


def _clock(here: Installation) -> str:
    with here.database.read() as connection:
        before = datetime.now(UTC)
        theirs = now(connection)
        ours = before + (datetime.now(UTC) - before) / 2
        newest = connection.scalar(select(func.max(model_versions.c.created_at)))
    ahead = (ours - theirs).total_seconds()
    if abs(ahead) > MAX_CLOCK_DIFFERENCE.total_seconds():
        raise CheckFailedError(
            f"this machine is {abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} the "
            "database: set both clocks by a time server (NTP)"
        )
    if newest is not None and newest > ours + MAX_CLOCK_DIFFERENCE:
        raise CheckFailedError(
            f"it is {ours:%Y-%m-%d %H:%M} here, and there is a model of {newest:%Y-%m-%d %H:%M}: "
            "set the clock by a time server (NTP)"
        )
    apart = "" if here.database.is_sqlite else f", {abs(ahead):.1f} s from that of the database"
    return f"{ours:%Y-%m-%d %H:%M:%S} UTC{apart}"


def _keys(here: Installation) -> str:
    settings, file = here.settings, here.settings.bootstrap_admin_key_file
    with here.database.read() as connection:
        known = keys.all_keys(connection)
    valid = sum(key.revoked_at is None for key in known)
    if known:
        none = Advice("all are revoked: `recommender keys create` makes another")
        return f"{valid} valid" if valid else none
    if file is not None:
        return f"the first one is made when the service starts, {_first_key(file)}"
    check_bind(settings, here.database)
    return "none: who reaches the service may do everything"


def _first_key(file: Path) -> str:
    prefix = read_first_key(file)
    if prefix is not None:
        return f"{prefix} from {file}"
    if not os.access(existing(file.parent), os.W_OK):
        raise CheckFailedError(f"{SETTING}: {file} cannot be written by this account")
    return f"and written to {file}"


CHECKS: Mapping[str, Callable[[Installation], str]] = {
    "settings": _settings,
    "database": _database,
    "disk": _disk,
    "ports": _ports,
}
# Without a database that can be read there is nothing for these.
NEEDED = "database"
CHECKS_OF_DATA: Mapping[str, Callable[[Installation], str]] = {
    "models": _models,
    "backups": _backups,
    "clock": _clock,
    "keys": _keys,
}

"""Lists of the users of the database, made by workers that read it, the models and the settings."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from app.config import Settings
from app.datasets.contents import Format
from app.datasets.encoding import writer
from app.db.engine import Database
from app.db.tables import users
from app.nightly import repository
from app.nightly.bulk import Part, write_parts
from app.nightly.errors import OtherServiceError
from app.nightly.opening import nightly_service
from app.nightly.repository import Changed
from app.nightly.service import COLUMNS, PART, SAME, NightlyService
from app.nightly.shard_lists import PREFIX
from data import shared
from data.progress import Progress

if TYPE_CHECKING:
    from distributed import Client

# Ids of a file: fewer users where some are gone.
IDS = 8 * PART
_one_at_a_time = Lock()


def write_lists_of_users(
    client: Client, service: NightlyService, target: str, report: Progress
) -> int:
    """Write the lists of all users, each as the API gives it; return how many users there are.

    Raises what `write_parts` raises.
    """
    with service.database.read() as connection:
        last = connection.execute(select(func.max(users.c.id))).scalar_one() or 0
        n_users = repository.count(connection, Changed())
    plan = described(service)
    parts = [
        Part(name := f"{PREFIX}{after:020d}.parquet", write_part, (target, name, after, _key(plan)))
        for after in range(0, last, IDS)
    ]
    write_parts(client, target, plan, parts, report)
    return n_users


def described(service: NightlyService) -> dict[str, Any]:
    """Say what decides the lists beside the ratings."""
    named = service.named(Format.PARQUET.value)
    return {name: named[name] for name in SAME}


def write_part(target: str, name: str, after: int, plan: str) -> None:
    """Write the lists of the users with an id above `after`: a task of a worker."""
    content = io.BytesIO()
    with _one_at_a_time, writer(content, Format.PARQUET, COLUMNS) as write:
        for rows in service_of_plan(plan).rows(after, after + IDS):
            write(rows)
    shared.write(shared.place_of(target, name), content.getvalue())


def _key(plan: dict[str, Any]) -> str:
    return json.dumps(plan, sort_keys=True)


@lru_cache(maxsize=1)
def service_of_plan(plan: str) -> NightlyService:
    """Open database and model, once for all parts that a worker gets."""
    settings, wanted = Settings(), json.loads(plan)
    database = Database(settings.database_url)
    service = nightly_service(database, settings, wanted["top"], wanted["scenario"])
    if _key(described(service)) != plan:
        database.dispose()
        raise OtherServiceError
    return service

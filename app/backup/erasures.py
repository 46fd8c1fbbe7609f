"""The list of erased users beside the back-ups: a restore must not bring them back.

It names nobody: it holds a hash of each key, salted with the random number of the installation. Of
a user of a back-up, who is there, it can be told that they were erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Connection, delete, insert, select

from app.backup import rows
from app.backup.archive import BackupError
from app.core.remote import MissingObjectError, RemoteFolder, shown
from app.db.engine import Database
from app.db.model_versions import holdout_salt
from app.db.tables import erasures, installation, metadata, users
from app.ratings.user_repository import key_hmac
from data.durable import whole_file

PREFIX = "recommender-erasures-"
# Half a million erasures.
MAX_LENGTH = 64 * 2**20
# Users that are erased with one statement; SQLite takes 32,766 values.
AT_ONCE = 1000


class Erasure(BaseModel):
    """A user was erased; without a hash, by a version that kept none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_hmac: str | None = Field(pattern="^[0-9a-f]{64}$")
    ratings_revision: int = Field(ge=0, le=2**53)
    erased_at: AwareDatetime


class ErasureList(BaseModel):
    """All erasures of an installation up to a moment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    salt: str = Field(max_length=64)
    written_at: AwareDatetime
    erasures: tuple[Erasure, ...]


class Reapplied(BaseModel):
    """What a restore did to users who had been erased after the back-up was made."""

    erased: list[Erasure] = Field(description="Those who were in the back-up")
    n_without_hash: int = Field(description="Erasures of which nobody can tell whose they were")
    known_until: datetime | None = Field(description="Later ones are not known; None: no list")


def write(database: Database, folder: Path) -> Path:
    """Bring the list in a folder up to date; return its path."""
    with database.read() as connection:
        newest = of_database(connection)
    if newest is None:
        raise BackupError("the database has no tables: there is no list of erased users")
    path = _path(folder, newest.salt)
    if path.exists():
        newest = _joined([newest, read(path)])
    _store(path, newest)
    return path


def copy(path: Path, remote: RemoteFolder) -> None:
    """Bring the list at a second place up to date; neither forgets what the other knows."""
    there = path.with_name(f".{path.name}.{token_hex(4)}.unfinished")
    try:
        remote.download(path.name, there)
        known = read(there, f"{shown(remote.url)}/{path.name}")
        _store(path, _joined([read(path), known]))
    except MissingObjectError:
        pass
    finally:
        there.unlink(missing_ok=True)
    remote.upload(path, path.name)


def read(path: Path, address: str = "") -> ErasureList:
    """Read a list from a file, which may be a copy of that at an address."""
    named = address or path
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LENGTH + 1)
        if len(content) > MAX_LENGTH:
            raise BackupError(
                f"{named} is no list of erasures: it has more than {MAX_LENGTH} bytes"
            )
        return ErasureList.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BackupError(f"{named} is no list of erasures: {where}: {first['msg']}") from error


def installation_of(salt: str) -> str:
    """Name an installation: several of them may have their back-ups in one folder."""
    return sha256(salt.encode()).hexdigest()[:12]


def of_database(connection: Connection) -> ErasureList | None:
    """Return what a database knows, also one of an older revision."""
    wanted = {installation.name, erasures.name}
    tables = {table.name: table for table in rows.tables_of(connection, wanted)}
    if installation.name not in tables:
        return None
    found: tuple[Erasure, ...] = ()
    if erasures.name in tables:
        found = _erasures(connection, hashed="key_hmac" in tables[erasures.name].columns)
    return ErasureList(salt=holdout_salt(connection), written_at=datetime.now(UTC), erasures=found)


def reapply(
    connection: Connection, replaced: ErasureList | None, folder: Path, named: Path | None
) -> Reapplied:
    """Erase those users of a restored back-up who were erased after it was made.

    They are in the list of the database that is replaced, in that beside the back-up or in the one
    that is named; the restored database knows them all afterwards.
    """
    salt, revision = connection.execute(
        select(installation.c.holdout_salt, installation.c.ratings_revision)
    ).one()
    known = [replaced] if replaced and replaced.salt == salt else []
    known += _lists(folder, salt, named)
    if not known:
        return Reapplied(erased=[], n_without_hash=0, known_until=None)
    joined = _joined(known)
    noted = set(_erasures(connection, hashed=True))
    later = [
        erasure
        for erasure in joined.erasures
        if erasure.ratings_revision > revision and erasure not in noted
    ]
    by_hash = {erasure.key_hmac: erasure for erasure in later if erasure.key_hmac}
    found = dict(_users_of(connection, salt, by_hash)) if by_hash else {}
    _delete(connection, list(found))
    if later:
        connection.execute(insert(erasures), [erasure.model_dump() for erasure in later])
    return Reapplied(
        erased=[by_hash[hashed] for hashed in found.values()],
        n_without_hash=sum(erasure.key_hmac is None for erasure in later),
        known_until=joined.written_at,
    )


def _erasures(connection: Connection, *, hashed: bool) -> tuple[Erasure, ...]:
    names = ("ratings_revision", "erased_at", *(["key_hmac"] if hashed else []))
    query = select(*(erasures.c[name] for name in names)).order_by(erasures.c.id)
    return tuple(
        Erasure.model_validate({"key_hmac": None, **row})
        for row in connection.execute(query).mappings()
    )


def _lists(folder: Path, salt: str, named: Path | None) -> Iterator[ErasureList]:
    beside = _path(folder, salt)
    if beside.exists():
        yield read(beside)
    if named is not None:
        found = read(named)
        if found.salt != salt:
            raise BackupError(f"{named} is the list of another installation than the back-up")
        yield found


def _path(folder: Path, salt: str) -> Path:
    return folder / f"{PREFIX}{installation_of(salt)}.json"


def _store(path: Path, list_: ErasureList) -> None:
    try:
        with whole_file(path, 0o600) as file:
            file.write(list_.model_dump_json(indent=0).encode())
    except OSError as error:
        raise BackupError(f"cannot write {path}: {error.strerror}") from error


def _joined(lists: Sequence[ErasureList]) -> ErasureList:
    newest = max(lists, key=lambda list_: list_.written_at)
    everything = {erasure for list_ in lists for erasure in list_.erasures}
    ordered = sorted(everything, key=lambda erasure: erasure.ratings_revision)
    return newest.model_copy(update={"erasures": tuple(ordered)})


def _users_of(
    connection: Connection, salt: str, by_hash: Mapping[str, Erasure]
) -> Iterator[tuple[int, str]]:
    query = select(users.c.id, users.c.key)
    result = connection.execute(query, execution_options={"yield_per": rows.CHUNK})
    for id_, key in result:
        hashed = key_hmac(salt, key)
        if hashed in by_hash:
            yield id_, hashed


def _delete(connection: Connection, ids: list[int]) -> None:
    """Delete users and what refers to them: SQLite does not cascade while a schema may change."""
    keys = [key for table in metadata.tables.values() for key in table.foreign_keys]
    referring = [key.parent for key in keys if key.column is users.c.id]
    for start in range(0, len(ids), AT_ONCE):
        for column in (*referring, users.c.id):
            some = column.in_(ids[start : start + AT_ONCE])
            connection.execute(delete(column.table).where(some))

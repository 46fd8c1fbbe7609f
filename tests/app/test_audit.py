"""Who did what is on record, and stays there."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DatabaseError

from app.audit.schemas import AuditQuery, AuditRecord
from app.audit.service import read_page
from app.auth.scopes import Scope
from app.auth.service import create_key, revoke_key
from app.backup.service import back_up, restore
from app.config import Settings
from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.db.tables import audit_log, users
from app.registry.service import publish
from app.store.folder import ModelStore
from app.users.service import UserService
from tests.app.command_line import runner
from tests.app.small_releases import make_release
from tests.app.world import TRAINED, make_rbm

once = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def records(database: Database, **query: Any) -> list[AuditRecord]:
    """All records, the oldest first."""
    return read_page(database, AuditQuery(**query)).items[::-1]


def acts(database: Database) -> list[tuple[str, str | None]]:
    return [(record.action, record.subject) for record in records(database)]


def test_what_is_done_over_http_is_on_record_with_the_key(
    database: Database, settings: Settings, connect: Callable[[], TestClient]
) -> None:
    first, second = (
        publish(database, ModelStore(settings.models_dir), make_rbm(i), TRAINED) for i in (1, 2)
    )
    key = create_key(database, [Scope.ADMIN], "operator", by="cron")
    client = connect()
    client.headers["Authorization"] = f"Bearer {key.text}"
    with database.unit_of_work() as connection:
        connection.execute(insert(users).values(key="somebody", ratings_revision=0))
    client.put("/models/active", json={"version": first})
    client.put("/models/active", json={"version": first})  # it is active already
    client.post("/models/rollback")
    client.delete("/users/somebody")
    client.delete("/users/nobody")
    items = client.get("/audit").json()["items"]
    assert [(item["who"], item["action"], item["subject"]) for item in items[::-1]] == [
        (audit.UNNAMED, "model_activated", first),
        (audit.UNNAMED, "model_activated", second),
        ("cron", "key_created", key.prefix),
        (f"key {key.prefix}", "model_activated", first),
        (f"key {key.prefix}", "model_rolled_back", second),
        (f"key {key.prefix}", "user_erased", None),
    ]
    assert items[1]["detail"] == {"before": first}
    assert "somebody" not in json.dumps([{**item, "who": ""} for item in items])
    assert client.get("/audit", headers={"Authorization": "Bearer x.y"}).status_code == 401


def test_what_commands_do_is_on_record(
    filled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    run = runner(tmp_path, monkeypatch, capsys)
    (tmp_path / "day.csv").write_text("user,movie,rating,timestamp\nnew,10,4,1000\n")
    prefix = run("keys", "create", "--scope", "read").out.partition(".")[0]
    for arguments in (
        ["import", "day.csv"],
        ["import", "day.csv"],  # nothing is new
        ["users", "erase", "--yes", "1"],
        ["keys", "revoke", prefix],
    ):
        assert run(*arguments).code == 0, arguments
    exported = run("export", "audit", "--format", "jsonl")
    rows = [json.loads(line) for line in exported.out.splitlines()]
    assert [(row["action"], row.get("subject"), row.get("detail")) for row in rows] == [
        ("key_created", prefix, {"scopes": ["read"]}),
        ("data_imported", "day", {"ratings": 1}),
        ("user_erased", None, None),
        ("key_revoked", prefix, None),
    ]
    assert all(row["who"].startswith("command line (") for row in rows)
    for suffix in ("csv", "parquet"):
        assert run("export", "audit", "-o", f"audit.{suffix}").out.startswith("4 audit records are")


@once
def test_a_replacement_of_the_data_says_what_was_replaced(database: Database) -> None:
    from app.datasets.service import import_release  # noqa: PLC0415 (it loads pandas)

    import_release(database, make_release(name="first"))
    import_release(database, make_release(name="second"), replace=True, by="me")
    *_, record = records(database)
    assert (record.who, record.action, record.subject) == ("me", "data_replaced", "second")
    assert record.detail is not None
    assert record.detail["before"] == "first"


@once
def test_records_are_read_page_by_page_and_by_action(database: Database) -> None:
    with database.unit_of_work() as connection:
        for number in range(5):
            action = (Action.KEY_CREATED, Action.KEY_REVOKED)[number % 2]
            audit.record(connection, "me", action, str(number) * 300)
    assert {len(record.subject or "") for record in records(database)} == {audit.MAX_SUBJECT}
    page = read_page(database, AuditQuery(limit=2))
    seen = [item.id for item in page.items]
    while page.next:
        page = read_page(database, AuditQuery(limit=2, cursor=page.next))
        seen += [item.id for item in page.items]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 5
    assert len(records(database, action=["key_revoked"])) == 2


@pytest.mark.parametrize("statement", [update(audit_log).values(who="nobody"), delete(audit_log)])
def test_no_record_is_changed_or_deleted(database: Database, statement: Any) -> None:
    create_key(database, [Scope.READ], "")
    with (
        pytest.raises(DatabaseError, match="rows of audit_log are only added"),
        database.unit_of_work() as connection,
    ):
        connection.execute(statement)
    assert len(records(database)) == 1


def test_a_restore_keeps_what_was_recorded_since_and_is_on_record(
    database: Database, tmp_path: Path
) -> None:
    key = create_key(database, [Scope.ADMIN], "", by="me")
    back_up(database, ModelStore(tmp_path / "models"), tmp_path / "b.tar")
    revoke_key(database, key.prefix, by="me")
    for user in ("7", "8"):  # two records that are equal, within a second
        with database.unit_of_work() as connection:
            connection.execute(insert(users).values(key=user, ratings_revision=0))
        UserService(database, 4.0).erase(user, by="me")
    restore(database, ModelStore(tmp_path / "models"), tmp_path / "b.tar", replace=True, by="me")
    assert acts(database) == [
        ("key_created", key.prefix),
        ("key_revoked", key.prefix),
        ("user_erased", None),
        ("user_erased", None),
        ("backup_restored", "b.tar"),
    ]

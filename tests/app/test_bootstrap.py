"""The first admin key: made once, read from a file or written to it."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.auth.bootstrap import BootstrapKeyError, make_first_key
from app.auth.scopes import Scope
from app.auth.service import create_key, list_keys, revoke_key
from app.cli.startup_checks import guard_access
from app.config import Settings
from app.db.engine import Database
from tests.app.world import World

SECRET = "0f9a7c3b5e1d8264" * 4


def test_a_key_is_drawn_into_a_file_that_only_this_account_can_read(
    world: World, connect: Callable[[], TestClient], tmp_path: Path
) -> None:
    file = tmp_path / "keys" / "admin"
    prefix = make_first_key(world.database, file)
    key = file.read_text().strip()
    assert key.startswith(f"{prefix}.")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent) == ["admin"]  # noqa: PTH208 (hidden files too)
    client = connect()
    assert client.get("/users/1").status_code == 401
    assert client.get("/users/1", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_a_key_in_the_file_becomes_the_admin_key(
    world: World, connect: Callable[[], TestClient], tmp_path: Path
) -> None:
    file = tmp_path / "admin"
    file.write_text(f"  ops.{SECRET}\n")
    assert make_first_key(world.database, file) == "ops"
    (listed,) = list_keys(world.database)
    assert (listed["prefix"], listed["scopes"]) == ("ops", ["admin"])
    headers = {"Authorization": f"Bearer ops.{SECRET}"}
    assert connect().get("/users/1", headers=headers).status_code == 200


def test_an_empty_file_takes_a_key(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "admin"
    file.touch()
    prefix = make_first_key(database, file)
    assert file.read_text().startswith(f"{prefix}.")


def test_nothing_is_made_where_a_key_was_ever_made(database: Database, tmp_path: Path) -> None:
    key = create_key(database, [Scope.READ], "")
    revoke_key(database, key.prefix)
    file = tmp_path / "admin"
    assert make_first_key(database, file) is None
    assert not file.exists()
    file.write_text("not even looked at")
    assert make_first_key(database, file) is None
    assert len(list_keys(database)) == 1


def test_of_replicas_that_start_together_one_makes_the_key(
    database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "admin"
    with ThreadPoolExecutor(8) as replicas:
        made = list(replicas.map(lambda _: make_first_key(database, file), range(8)))
    (prefix,) = {prefix for prefix in made if prefix is not None}
    assert made.count(None) == 7
    assert [key["prefix"] for key in list_keys(database)] == [prefix]
    assert file.read_text().startswith(f"{prefix}.")


def test_a_key_that_was_written_but_not_registered_is_registered_by_the_next_start(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "admin"
    with monkeypatch.context() as patch:
        patch.setattr("app.auth.bootstrap._add", None)  # killed between file and commit
        with pytest.raises(TypeError):
            make_first_key(database, file)
    written = file.read_text()
    assert list_keys(database) == []
    assert make_first_key(database, file) == written.partition(".")[0]
    assert file.read_text() == written


@pytest.mark.parametrize(
    "content",
    [
        SECRET,
        "ops.short",
        f"ops.{'a' * 64}",
        f"ops.{'changeme' * 8}",
        f"{'o' * 17}.{SECRET}",
        f"ops.{SECRET}.{SECRET}",
        f"ops.{SECRET} {SECRET}",
        f".{SECRET}",
        f"ops.{SECRET * 5}",
        "ops." + "\xff\x00" * 32,
    ],
)
def test_a_weak_or_malformed_key_is_refused_and_not_repeated(
    database: Database, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "admin"
    file.write_text(content, encoding="latin-1")
    with pytest.raises(
        BootstrapKeyError, match=r"BOOTSTRAP_ADMIN_KEY_FILE.*does not hold a key"
    ) as e:
        make_first_key(database, file)
    assert content.rpartition(".")[2][:16] not in str(e.value)
    assert list_keys(database) == []


def test_a_file_that_can_be_neither_read_nor_written_is_named(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BootstrapKeyError, match=f"cannot read {tmp_path}: Is a directory"):
        make_first_key(database, tmp_path)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(BootstrapKeyError, match="cannot read"):
        make_first_key(database, loop)
    with pytest.raises(BootstrapKeyError, match=r"cannot (read|write)"):
        make_first_key(database, tmp_path / "file" / "admin")
    assert list_keys(database) == []


def test_the_first_key_is_made_before_the_address_is_judged(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "admin"
    settings = Settings(host="10.0.0.1", bootstrap_admin_key_file=file)
    guard_access(settings, database)
    shown = capsys.readouterr()
    prefix, _, secret = file.read_text().strip().partition(".")
    assert f"The first admin key, {prefix}, is in {file}" in shown.err
    assert secret not in shown.err + shown.out
    guard_access(settings, database)
    assert capsys.readouterr().err == ""

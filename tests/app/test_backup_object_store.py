"""Back-ups in a real object store that goes away and damages what it holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.backup.archive import BackupError, DamagedBackupError
from app.backup.copies import at_hand
from app.backup.job import carry_out
from app.backup.service import verify
from app.core.remote import RemoteError, RemoteFolder
from app.db.engine import Database
from tests.app.object_store import object_store
from tests.app.test_backup_schedule import DAY, back_up_of, place_of, tars

ADDRESS = "s3://movies/deep/backups"


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_back_ups_are_in_an_object_store_as_soon_as_it_is_there(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = place_of(database, tmp_path, monkeypatch, back_up_of(database))
    with object_store(tmp_path) as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        far = store.bucket / "deep/backups"
        plan = replace(place.plan, copy=RemoteFolder(ADDRESS))
        store.proxy.cut()
        with pytest.raises(RemoteError):
            carry_out(database, plan, place.write)
        store.proxy.restore()
        place.wait(DAY / 12)
        carry_out(database, plan, place.write)
        for _ in range(2):
            place.wait(DAY)
            carry_out(database, plan, place.write)
        assert tars(far) == tars(plan.folder)
        assert len(tars(far)) == 2
        name = tars(far)[1]
        with at_hand(f"{ADDRESS}/{name}", tmp_path / "models") as path:
            assert verify(path).manifest.models == []
            assert len(list(path.parent.iterdir())) == 2  # the list of erased users, too
        assert list((tmp_path / "models").iterdir()) == []
        content = bytearray((far / name).read_bytes())
        content[1500] ^= 1
        (far / name).write_bytes(content)
        with pytest.raises(DamagedBackupError), at_hand(f"{ADDRESS}/{name}", tmp_path) as path:
            verify(path)
        with (
            pytest.raises(BackupError, match=f"x.tar is not there; the newest are {name}"),
            at_hand(f"{ADDRESS}/x.tar", tmp_path),
        ):
            pass

"""Metrics of the room on the disks that a service writes to."""

import shutil
import tempfile
from pathlib import Path

from sqlalchemy.engine import make_url

from app.config import Settings
from app.core import metrics
from app.core.polling import Poller

INTERVAL_S = 30.0


class DiskMonitor:
    """Polls the room for models, for the database where it is a file, and for temporary files."""

    def __init__(self, settings: Settings) -> None:
        self._folders = folders(settings)
        self._poller = Poller("disks", self.poll, INTERVAL_S, "cannot see how full the disks are")

    def start(self) -> None:
        """Poll now, and from now on."""
        self._poller.start()

    def stop(self) -> None:
        """Stop polling."""
        self._poller.stop()

    def poll(self) -> None:
        """Record how much is free."""
        for name, folder in self._folders.items():
            usage = shutil.disk_usage(existing(folder))
            metrics.record_disk(name, free=usage.free, size=usage.total)


def folders(settings: Settings) -> dict[str, Path]:
    """Return the folders on whose disks there must be room, by what they hold."""
    found = {"models": settings.models_dir, "temporary": Path(tempfile.gettempdir())}
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        found["database"] = Path(str(url.database)).parent
    return found


def existing(folder: Path) -> Path:
    """Return the folder, or the one that it will be made in."""
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())

"""The service in processes of its own, as people run it."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from app.config import Settings

MAX_START_S = 60


class ServiceProcess(NamedTuple):
    """A service that answers."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: Settings, **variables: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("RECOMMENDER_")}
    return {
        **inherited,
        "RECOMMENDER_DATABASE_URL": settings.database_url,
        "RECOMMENDER_MODELS_DIR": str(settings.models_dir),
        **variables,
    }


def processes_of(pid: int) -> list[int]:
    """Return a process and those that it started (Linux)."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in processes_of(int(child)))]


@contextmanager
def serving(
    settings: Settings, folder: Path, descriptors: int = 0, /, **variables: str
) -> Iterator[ServiceProcess]:
    """Run `recommender serve` until the end of the block; it may open only so many files."""
    limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (descriptors, descriptors))
    port = variables.setdefault("RECOMMENDER_PORT", str(free_port()))
    log = folder / "service.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"],
            env=environment(settings, **variables),
            cwd=Path(__file__).parents[2],
            stdout=file,
            stderr=file,
            preexec_fn=limit if descriptors else None,  # noqa: PLW1509 - one call, without locks
        )
    running = ServiceProcess(process, f"http://127.0.0.1:{port}", log)
    try:
        _wait(running)
        yield running
    finally:
        if process.poll() is None:
            running.stop()


def _wait(running: ServiceProcess) -> None:
    end = time.monotonic() + MAX_START_S
    while time.monotonic() < end:
        assert running.process.poll() is None, running.log.read_text()
        try:
            with urllib.request.urlopen(f"{running.address}/health/live", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(running.log.read_text())

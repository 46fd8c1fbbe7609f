"""An S3-compatible server in a process of its own, behind a proxy that cuts and goes away."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.proxy import Proxy

RCLONE = Path(shutil.which("rclone") or Path(__file__).parents[2] / ".venv/bin/rclone")
BUCKET = "movies"
KEY, SECRET = "test-key", "test-secret"
START_S = 30


class ObjectStore(NamedTuple):
    """A bucket, whose objects are files of a folder."""

    bucket: Path
    proxy: Proxy

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a client finds the store, and is let in."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.proxy.port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def object_store(folder: Path) -> Iterator[ObjectStore]:
    """Run a server until the end of the block; skips the test where there is none to run."""
    if not RCLONE.exists():
        pytest.skip("needs rclone, the server of objects")
    bucket = folder / "objects" / BUCKET
    bucket.mkdir(parents=True)
    socket = folder / "s3.sock"
    command: list[str | Path] = [
        RCLONE, "serve", "s3", bucket.parent, "--addr", f"unix://{socket}",
        "--auth-key", f"{KEY},{SECRET}", "--config", "", "--dir-cache-time", "1ms",
    ]  # fmt: skip
    with (folder / "s3.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    proxy = None
    try:
        end = time.monotonic() + START_S
        while not socket.exists():
            assert process.poll() is None, (folder / "s3.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.01)
        proxy = Proxy(str(socket))
        yield ObjectStore(bucket, proxy)
    finally:
        if proxy is not None:
            proxy.close()
        process.terminate()
        process.wait(10)

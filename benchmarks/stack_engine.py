"""The stack of `compose.yaml` as a project of its own, from a copy of the working tree.

Nothing of an installation on the same machine is touched: names, port, images and volumes differ.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.app.service_process import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
PROJECT = "recommender-proof"
REPLICAS = ("service-a", "service-b")
WAIT_S = 300
CONTAINER_PORT = 8000
NEXT_MIGRATION = '''"""What a next version might change: the version before leaves it alone."""

import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ratings", sa.Column("proof", sa.Integer(), nullable=True))
    op.create_index("ix_ratings_proof", "ratings", ["proof"])


def downgrade() -> None:
    op.drop_index("ix_ratings_proof", "ratings")
    op.drop_column("ratings", "proof")
'''


def until(holds: Callable[[], bool], seconds: float = WAIT_S) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("the stack does not come to rest")
        time.sleep(0.2)


class Stack:
    """A running stack."""

    def __init__(self, folder: Path, log: Path, settings: dict[str, str]) -> None:
        self.folder, self.log, self.port = folder, log, free_port()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("RECOMMENDER_")}
        self.environment = {
            **inherited,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "RECOMMENDER_VERSION": "proof",
            "RECOMMENDER_PUBLISH": f"127.0.0.1:{self.port}",
            "RECOMMENDER_DATASET": "sample",
            "RECOMMENDER_KEY_RATE_LIMIT": "0",
            **settings,
        }

    def run(self, *command: str) -> str:
        """Run a command in the folder, which must end well; return what it prints.

        That may be a key, so the log has the rest.
        """
        ended = subprocess.run(  # noqa: S603 (what an operator types)
            command, cwd=self.folder, env=self.environment, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        with self.log.open("a") as file:
            file.write(f"$ {' '.join(command)}\n{ended.stderr}")
        if ended.returncode:
            raise RuntimeError(f"{' '.join(command)}: {ended.stderr[-2000:]} ({self.log})")
        return ended.stdout.strip()

    def compose(self, *arguments: str) -> str:
        """Run `docker compose`."""
        return self.run("docker", "compose", *arguments)

    def place(self, commit: str | None = None) -> None:
        """Put the working tree, or a commit, where the stack is run from, as `git pull` does."""
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if commit is not None:
            archive = str(self.folder / "archive.tar")
            self.run("git", "-C", str(ROOT), "archive", "--output", archive, commit)
            self.run("tar", "-xf", archive)
            return
        listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = self.run("git", "-C", str(ROOT), *listed).split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():  # not deleted meanwhile
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, target)

    def add_migration(self) -> str:
        """Make the next version of what is in the folder; return its revision."""
        versions = self.folder / "migrations" / "versions"
        newest = max(path.name[:4] for path in versions.glob("[0-9]*.py"))
        number = int(newest) + 1
        text = NEXT_MIGRATION.format(number=number, before=newest)
        (versions / f"{number:04}_proof.py").write_text(text)
        return f"{number:04}"

    def container(self, service: str) -> str:
        """Return the id of a container."""
        return self.compose("ps", "--all", "--quiet", service)

    def inspect(self, service: str, what: str) -> str:
        """Return what the engine knows of a container."""
        return self.run("docker", "inspect", "--format", what, self.container(service))

    def address(self, service: str, network: str) -> tuple[str, int]:
        """Return where a container listens; from this machine, which must run the engine.

        The published port of 127.0.0.1 leads through a process of Docker that gives up under some
        hundred connections; clients from elsewhere do not pass it.
        """
        return self._address(service, network), CONTAINER_PORT

    def _address(self, service: str, network: str) -> str:
        name = f"{PROJECT}_{network}"
        return self.inspect(
            service, f'{{{{(index .NetworkSettings.Networks "{name}").IPAddress}}}}'
        )

    def is_whole(self) -> bool:
        """Tell whether all that the requests need is healthy."""
        status = "{{.State.Running}} {{.State.Health.Status}}"
        return all(self.inspect(name, status) == "true healthy" for name in ("database", *REPLICAS))

    def crash(self, service: str) -> None:
        """Kill the main process with -9, from outside, as the kernel would.

        `docker kill` would count as a wish that it stays down.
        """
        process = self.inspect(service, "{{.State.Pid}}")
        started = self.inspect(service, "{{.State.StartedAt}}")
        self.run(
            "docker", "run", "--rm", "--privileged", "--pid", "host", "--user", "0",
            "--network", "none", "--entrypoint", "python", "recommender-training:proof",
            "-c", f"import os; os.kill({process}, 9)",
        )  # fmt: skip
        until(lambda: self.inspect(service, "{{.State.StartedAt}}") != started)

    def move(self, service: str, network: str) -> tuple[str, str]:
        """Make a container anew at another address; return the one before and the new one."""
        before = self._address(service, network)
        self.compose("rm", "--stop", "--force", service)
        taken = f"{PROJECT}-takes-the-address"
        self.run(
            "docker", "run", "--detach", "--rm", "--name", taken,
            "--network", f"{PROJECT}_{network}",
            "--entrypoint", "sleep", "recommender-training:proof", "600",
        )  # fmt: skip
        try:
            self.compose("up", "--detach", "--no-deps", "--wait", service)
        finally:
            self.run("docker", "rm", "--force", taken)
        return before, self._address(service, network)

    def sizes(self) -> dict[str, Any]:
        """Return sizes of images in MB, and memory of containers in MiB."""
        images = {
            name: int(self.run("docker", "image", "inspect", "--format", "{{.Size}}", image)) / 1e6
            for name, image in (
                ("base", self.environment.get("PYTHON_IMAGE", "python:3.11-slim-bookworm")),
                ("service", "recommender-service:proof"),
                ("training", "recommender-training:proof"),
            )
        }
        shown = self.compose("stats", "--no-stream", "--format", "json").splitlines()
        rows = [json.loads(line) for line in shown]
        memory = {
            row["Name"].removeprefix(f"{PROJECT}-").removesuffix("-1"): mebibytes(row["MemUsage"])
            for row in rows
        }
        return {"MB of images": images, "MiB of containers": dict(sorted(memory.items()))}

    def down(self) -> None:
        """Remove everything."""
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")


def mebibytes(usage: str) -> float:
    """Read `123.4MiB / 2GiB`."""
    found = re.match(r"([\d.]+)([KMG]?)i?B", usage)
    if found is None:
        print(f"not understood: {usage}", file=sys.stderr)
        return float("nan")
    return float(found[1]) * {"": 2**-20, "K": 2**-10, "M": 1.0, "G": 1024.0}[found[2]]

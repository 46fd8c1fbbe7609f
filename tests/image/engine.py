"""Docker, or what speaks its command line: `make image-test` names it."""

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

ENGINE_VARIABLE = "RECOMMENDER_TEST_CONTAINER_ENGINE"
# Further arguments of every `build` and `run`: a mirror's certificates, a network.
BUILD_VARIABLE = "RECOMMENDER_TEST_BUILD_ARGUMENTS"
RUN_VARIABLE = "RECOMMENDER_TEST_RUN_ARGUMENTS"
# Of the Dockerfile, where `--build-arg PYTHON_IMAGE=…` names no other.
BASE = "python:3.11-slim-bookworm"
ROOT = Path(__file__).parent.parent.parent
BUILD_TIMEOUT_S = 1500
TIMEOUT_S = 300


class Engine:
    """Builds images and runs containers."""

    def __init__(self) -> None:
        self.command = os.environ.get(ENGINE_VARIABLE, "")
        if not self.command:
            pytest.skip(f"`make image-test` runs this; it sets {ENGINE_VARIABLE}")

    @property
    def is_podman(self) -> bool:
        """True for Podman, which differs in details."""
        return "podman" in self.command

    @property
    def base(self) -> str:
        """The image that those of ours are made from."""
        given = shlex.split(os.environ.get(BUILD_VARIABLE, ""))
        named = [each.removeprefix("PYTHON_IMAGE=") for each in given if "PYTHON_IMAGE=" in each]
        return named[-1] if named else BASE

    def size_of_the_base(self) -> int:
        """Return its bytes; a build may leave it in a cache that cannot be asked."""
        if not self("images", "--quiet", self.base):
            self("pull", "--quiet", self.base)
        size: int = self.inspect(self.base)["Size"]
        return size

    @property
    def revision(self) -> str:
        """The commit of the working tree."""
        asked = ["git", "rev-parse", "HEAD"]
        return subprocess.check_output(asked, cwd=ROOT, text=True).strip()

    def build(self, target: str, *arguments: str, tag: str = "test") -> str:
        """Build an image of the Dockerfile; return its name."""
        tag = f"recommender-{target}:{tag}"
        extra = ["--build-arg", f"REVISION={self.revision}", *arguments]
        extra += shlex.split(os.environ.get(BUILD_VARIABLE, ""))
        if self.is_podman:
            extra += ["--format", "docker"]  # its own format has no health check
        self("build", "--target", target, "--tag", tag, *extra, ".", timeout=BUILD_TIMEOUT_S)
        return tag

    def run(self, *arguments: str, image: str, command: tuple[str, ...] = ()) -> str:
        """Run a container; return what it prints, or its id with `--detach`."""
        extra = shlex.split(os.environ.get(RUN_VARIABLE, ""))
        return self("run", *extra, *arguments, image, *command)

    def output(self, container: str) -> str:
        """Return what a container has printed."""
        ended = subprocess.run(
            [self.command, "logs", container], capture_output=True, text=True, timeout=TIMEOUT_S,
            check=True,
        )  # fmt: skip
        return ended.stdout + ended.stderr

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what the engine knows of a container or an image."""
        found: dict[str, Any] = json.loads(self("inspect", name))[0]
        return found

    def __call__(self, *arguments: str, timeout: int = TIMEOUT_S) -> str:
        """Run the engine, which must end well; return what it prints."""
        ended = subprocess.run(
            [self.command, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=timeout,
            check=False,
        )  # fmt: skip
        assert ended.returncode == 0, f"{arguments}: {ended.stdout[-2000:]}{ended.stderr[-4000:]}"
        return ended.stdout.strip()

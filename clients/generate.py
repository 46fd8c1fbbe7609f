"""Writes `openapi.json`, the API as the code has it, and the Python client: `make client`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from app.main import create_app

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER / "openapi.json"
PACKAGE = FOLDER / "python" / "recommender_client"
OPTIONS = FOLDER / "python" / "generator.yaml"
TOOLS = Path(sys.executable).parent  # the generator formats what it writes with ruff


def document() -> str:
    """Return the OpenAPI document of the service."""
    return json.dumps(create_app().openapi(), indent=1, ensure_ascii=False) + "\n"


def generate(package: Path) -> None:
    """Write the Python package into a new folder; a warning of the generator is an error."""
    command = [
        sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning",
        "--path", str(DOCUMENT), "--config", str(OPTIONS), "--meta", "none",
        "--output-path", str(package),
    ]  # fmt: skip
    environment = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - all parts are ours
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    (package / "py.typed").touch()


def main() -> None:
    """Renew both."""
    DOCUMENT.write_text(document(), encoding="utf-8")
    with TemporaryDirectory(dir=FOLDER) as folder:
        new = Path(folder) / PACKAGE.name
        generate(new)
        shutil.rmtree(PACKAGE, ignore_errors=True)
        new.rename(PACKAGE)


if __name__ == "__main__":
    main()

"""Quick start and tutorials, carried out from the first line to the last as a reader would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import PREFIX
from tests.app.service_process import free_port
from tests.docs.snippets import ROOT, of

pytestmark = pytest.mark.slow

STRICT = "set -euo pipefail\n"


def carry_out(folder: Path, *pages: str) -> str:
    """Run all blocks of some pages as one script; return what they say."""
    port = free_port()
    script = STRICT + "\n".join(text for page in pages for text in of(page, "bash"))
    assert "recommender" in script
    plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["/bin/bash", "-c", script.replace("127.0.0.1:8000", f"127.0.0.1:{port}")],
        cwd=folder, capture_output=True, text=True, check=False, timeout=900,
        env={**plain, "PATH": path, "PYTHONPATH": str(ROOT), "RECOMMENDER_PORT": str(port)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_quick_start(tmp_path: Path) -> None:
    said = carry_out(tmp_path, "docs/quick-start.md")
    assert '"source":"popular"' in said
    assert '"source":"rbm"' in said
    assert "Recommendations for 1" in said


def test_an_own_catalogue_and_an_experiment_on_it(tmp_path: Path) -> None:
    said = carry_out(tmp_path, "docs/tutorials/own-catalogue.md", "docs/tutorials/experiment.md")
    assert "Recommendations for c1" in said
    assert "undecided" in said


def test_tuning(tmp_path: Path) -> None:
    said = carry_out(tmp_path, "docs/tutorials/tuning.md")
    assert (tmp_path / "tuned.json").exists()
    assert "ease" in said

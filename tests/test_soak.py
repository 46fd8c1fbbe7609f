"""The soak, for half a minute: all parts run, and no response is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--postgresql"]], ids=["sqlite", "postgresql"])
def test_half_a_minute_of_everything_brings_no_wrong_response(options: list[str]) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.5", *options]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong" in done.stdout

"""The units for a machine without containers: systemd takes them, and they name what exists."""

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from app.cli.main import app as cli
from app.config import PREFIX, Settings

FOLDER = Path(__file__).parent.parent / "deploy" / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/recommender/bin/recommender"
# From 0 to 10; systemd calls what is below 2 safe enough to be `OK`.
MAX_EXPOSURE = 20


def values(unit: Path, name: str) -> list[str]:
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def hardening(unit: Path) -> list[str]:
    text = unit.read_text(encoding="utf-8")
    return text[text.index("User=") : text.index("[Install]")].splitlines()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_calls_commands_with_options_that_exist(unit: Path) -> None:
    lines = values(unit, "ExecStart") + values(unit, "ExecStartPre")
    assert lines
    for line in lines:
        program, name, *rest = shlex.split(line)
        assert program == PROGRAM
        command = get_command(cli).commands[name]  # type: ignore[attr-defined]
        command.make_context(name, rest)


def test_all_units_are_hardened_alike() -> None:
    (first, *others) = [hardening(unit) for unit in UNITS]
    assert len(UNITS) == 3
    assert all(other == first for other in others)


def test_the_example_of_settings_names_settings() -> None:
    lines = (FOLDER / "recommender.env").read_text(encoding="utf-8").splitlines()
    given = {line.partition("=")[0] for line in lines if line and line[0] != "#"}
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    assert given <= known | {"NUMBA_CACHE_DIR"}


def test_the_service_may_take_as_long_as_it_needs_to_end() -> None:
    (unit,) = [unit for unit in UNITS if unit.stem == "recommender"]
    (stop,) = values(unit, "TimeoutStopSec")
    lines = (FOLDER / "recommender.env").read_text(encoding="utf-8").splitlines()
    (drain,) = [line.partition("=")[2] for line in lines if "DRAIN_SECONDS" in line]
    assert int(stop) >= int(drain) + 35
    assert values(unit, "KillMode") == ["mixed"]


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze, a part of systemd, is not installed")
    for unit in UNITS:  # the program need not be installed
        text = unit.read_text(encoding="utf-8")
        (tmp_path / unit.name).write_text(text.replace(PROGRAM, shutil.which("true") or ""))
    copies = [str(tmp_path / unit.name) for unit in UNITS]
    verified = subprocess.run(
        [analyze, "verify", "--man=no", *copies], capture_output=True, text=True, check=False
    )
    about_ours = [line for line in verified.stderr.splitlines() if str(tmp_path) in line]
    assert (verified.returncode, about_ours) == (0, []), verified.stderr
    limit = f"--threshold={MAX_EXPOSURE}"
    judged = subprocess.run(
        [analyze, "security", "--offline=true", limit, *copies],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout[-300:] + judged.stderr

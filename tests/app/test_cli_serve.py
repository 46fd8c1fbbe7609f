"""The options of `recommender serve` replace the settings, whose checks still hold."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from tests.app.command_line import Run, runner


@pytest.fixture
def run(
    tmp_path: Path,
    migrated_sqlite_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    shutil.copyfile(migrated_sqlite_file, tmp_path / "own.db")
    return runner(tmp_path, monkeypatch, capsys)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """With what settings it would serve."""
    found: list[Settings] = []

    def serve_on(socket: Any, settings: Settings) -> None:
        assert socket.getsockname()[:2] != ("0.0.0.0", 0)  # noqa: S104
        found.append(settings)

    monkeypatch.setattr("app.cli.http_server.serve_on", serve_on)
    return found


def test_options_replace_variables(run: Run, served: list[Settings]) -> None:
    variables = {"RECOMMENDER_PORT": "1", "RECOMMENDER_WORKERS": "3", "RECOMMENDER_HOST": "::1"}
    given = ("--port", "0", "--workers", "2", "--host", "127.0.0.1")
    assert run("serve", *given, **variables).code == 0
    (settings,) = served
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 0, 2)
    assert settings.as_environment()["RECOMMENDER_WORKERS"] == "2", "for what it starts itself"


def test_variables_count_without_options(run: Run, served: list[Settings]) -> None:
    assert run("serve", RECOMMENDER_PORT="0", RECOMMENDER_WORKERS="3").code == 0
    assert (served[0].port, served[0].workers, served[0].insecure) == (0, 3, False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104
def test_a_network_is_not_served_without_a_key(run: Run, served: list[Settings], host: str) -> None:
    refused = run("serve", "--host", host, "--port", "0")
    assert refused.code == 2
    assert f"refusing to serve on {host}: there is no API key" in refused.err
    assert served == []
    assert run("keys", "create", "--scope", "read").code == 0
    assert run("serve", "--host", host, "--port", "0").code == 0
    assert [settings.host for settings in served] == [host]

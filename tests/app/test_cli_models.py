"""`recommender models` as people run it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import output
from app.cli.models import models
from app.config import Settings
from app.db.engine import Database
from app.registry.repository import REFUSED
from app.registry.service import find_active, publish
from app.store.folder import ModelStore
from tests.app.test_registry_rollback import make_older
from tests.app.world import TRAINED, make_rbm

CARD = {
    **TRAINED,
    "results": [
        {
            "model": "rbm",
            "metrics": {
                name: {"mean": 0.41, "se": 0.02}
                for name in ("ndcg@10", "ndcg@100", "recall@20", "recall@50")
            },
        }
    ],
}


class Installation:
    """A database of its own in SQLite: these tests are about the command, not about databases."""

    def __init__(self, folder: Path, migrated: Path) -> None:
        folder.mkdir()
        (folder / "own.db").write_bytes(migrated.read_bytes())
        self.settings = Settings(
            database_url=f"sqlite:///{folder / 'own.db'}", models_dir=folder / "models"
        )
        self.database = Database(self.settings.database_url)

    def run(self, *arguments: str) -> Result:
        variables = {
            "RECOMMENDER_DATABASE_URL": self.settings.database_url,
            "RECOMMENDER_MODELS_DIR": str(self.settings.models_dir),
        }
        return CliRunner(env=variables).invoke(models, arguments)

    def succeed(self, *arguments: str) -> str:
        finished = self.run(*arguments)
        assert finished.exit_code == 0, finished.exception
        return finished.stdout

    def fail(self, *arguments: str) -> str:
        """Run what is to fail; what is then told on standard error."""
        finished = self.run(*arguments)
        assert finished.exit_code == 1
        assert finished.stdout == ""
        return str(finished.exception)


@pytest.fixture(autouse=True)
def wide_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output.out, "width", 200)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def here(tmp_path: Path, migrated_sqlite_file: Path) -> Installation:
    return Installation(tmp_path / "here", migrated_sqlite_file)


@pytest.fixture
def versions(here: Installation) -> list[str]:
    """A refused model and two published ones, the oldest first; the last is active."""
    gate = {"passed": False, "reasons": ["it ranks no better than popularity"]}
    arguments = here.database, ModelStore(here.settings.models_dir), make_rbm(1)
    refused = publish(*arguments, {**CARD, "gate": gate}, state=REFUSED, activate=False)
    published = [refused, *(publish(*arguments, CARD) for _ in range(2))]
    make_older(here.database, published)
    return published


def test_models_are_listed_and_shown_to_people_and_programs(
    here: Installation, versions: list[str]
) -> None:
    refused, before, active = versions
    table = here.succeed("list")
    for version, standing in ((refused, "refused"), (before, "before"), (active, "active")):
        (line,) = [line for line in table.splitlines() if version in line]
        assert standing in line
    listed = json.loads(here.succeed("list", "--json"))
    assert [model["version"] for model in listed] == versions[::-1]
    text = here.succeed("show", refused)
    for part in ("refused", "no better than popularity", "100,836", "whole", "0.410 ± 0.020"):
        assert part in text
    shown = json.loads(here.succeed("show", active, "--json"))
    assert (shown["active"], shown["damage"]) == (True, None)
    assert shown["card"]["dataset"] == {"name": "small"}


def test_a_rollback_is_one_command_and_says_how_to_undo_it(
    here: Installation, versions: list[str]
) -> None:
    _, before, active = versions
    text = here.succeed("rollback")
    assert before in text
    assert f"recommender models activate {active}" in text
    assert find_active(here.database).version == before
    assert "no model before the active one" in here.fail("rollback")
    assert active in here.succeed("activate", active)
    assert find_active(here.database).version == active


def test_what_cannot_be_activated_is_refused_in_one_line(
    here: Installation, versions: list[str]
) -> None:
    refused, before, active = versions
    assert "no better than popularity" in here.fail("activate", refused)
    assert "no model latest" in here.fail("activate", "latest")
    (here.settings.models_dir / before / "b.npy").unlink()
    assert "b.npy cannot be read" in here.fail("rollback")
    assert find_active(here.database).version == active
    here.succeed("activate", refused, "--anyway")
    assert "activated anyway" in here.succeed("show", refused)


def test_old_models_are_pruned(here: Installation, versions: list[str]) -> None:
    assert "nothing to remove" in here.succeed("prune")
    assert versions[1] in here.fail("remove", versions[1])
    assert versions[0] in here.succeed("remove", versions[0])
    assert len(json.loads(here.succeed("list", "--json"))) == 2


def test_a_model_is_carried_to_another_installation(
    here: Installation, versions: list[str], tmp_path: Path, migrated_sqlite_file: Path
) -> None:
    active = versions[2]
    assert f"{active}.tar" in here.succeed("export", active)
    assert "exists already" in here.fail("export", active)
    path = tmp_path / f"{active}.tar"
    there = Installation(tmp_path / "there", migrated_sqlite_file)
    assert "is imported. It is not active" in there.succeed("import", str(path))
    assert "the same. It is active" in there.succeed("import", str(path), "--activate")
    path.write_bytes(path.read_bytes()[:-2000])
    assert "cut off" in there.fail("import", str(path))
    assert "No such file" in there.fail("import", "nowhere.tar")

"""`recommender train` that is told to stop, goes on later, or is given what `tune` has found."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.datasets.service import import_release
from app.db.engine import Database
from app.jobs.checkpoints import FOLDER, Checkpoints, Resume
from app.jobs.errors import TrainingError
from app.jobs.schemas import TrainingOptions
from app.registry.errors import ModelNotFoundError
from app.training.hyper_parameters import read_configuration
from data.movielens import load
from model.checkpoint import CheckpointError
from model.training import DivergenceError
from tests.app.test_cli import environment, run, succeed
from tests.app.trainings import card_of, train_briefly

LONG = ["train", "--epochs", "100", "--hidden", "16"]


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installation")
    succeed(folder, "import", "sample")
    return folder


def published(folder: Path) -> list[bytes]:
    """Weights of all published models, the oldest first."""
    return [path.read_bytes() for path in sorted((folder / "var/models").glob("*Z-*/W.npy"))]


def stop(folder: Path, number: signal.Signals) -> None:
    """Begin to train, and send a signal after the first checkpoint."""
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *LONG, "--checkpoint-every", "5"],
        cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not list((folder / "var/models" / FOLDER).glob("*/state.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert re.search(
        rf"stopped by {number.name} after \d+ of 100 epochs; the checkpoint is kept: "
        "`recommender train --resume` with these options resumes from it",
        said,
    )
    assert "Traceback" not in said


def test_a_training_that_is_told_to_stop_goes_on_later_to_the_same_weights(
    installation: Path,
) -> None:
    checkpoints = installation / "var/models" / FOLDER
    stop(installation, signal.SIGTERM)
    assert "times that of popularity" in succeed(installation, *LONG, "--resume")
    assert not list(checkpoints.glob("*/state.json")), "removed when published"
    succeed(installation, *LONG)
    resumed, uninterrupted = published(installation)[-2:]
    assert resumed == uninterrupted
    stop(installation, signal.SIGINT)
    assert list(checkpoints.glob("*/state.json"))
    shutil.rmtree(checkpoints)


def test_without_a_checkpoint_resuming_is_refused(installation: Path) -> None:
    finished = run(installation, "train", "--seed", "99", "--resume")
    assert finished.returncode == 2
    assert "there is no checkpoint in" in finished.stderr


@pytest.mark.slow
def test_the_result_of_tuning_is_trained_with(installation: Path) -> None:
    found = installation / "found.json"
    arguments = ["tune", "db", "--trials", "2", "--output", str(found)]
    (installation / "small.json").write_text('{"n_hidden": 8, "n_epochs": 2}')
    shown = run(installation, *arguments, "--config", "small.json")
    assert shown.returncode == 0, shown.stderr
    assert "trial 2: NDCG@100 0." in shown.stderr
    assert "found already" not in shown.stderr
    configuration = json.loads(found.read_text())
    assert 4 <= configuration["n_hidden"] <= 16
    succeed(installation, "train", "--config", str(found))
    newest = max((installation / "var/models").glob("*Z-*"))
    trained_with = json.loads((newest / "card.json").read_text())["configuration"]
    chosen_later = {"coupling_strength", "coupling_l2"}  # null in the card, left out of the file
    assert configuration.keys() == trained_with.keys() - chosen_later
    assert {name: trained_with[name] for name in configuration} == configuration


@pytest.fixture
def filled(database: Database) -> Database:
    import_release(database, load("sample", datasets_dir=Path("nowhere"), datasets_url=""))
    return database


def test_a_training_goes_on_from_a_published_model(filled: Database, tmp_path: Path) -> None:
    first = train_briefly(filled, tmp_path, {"n_epochs": 4, "n_hidden": 8})
    second = train_briefly(filled, tmp_path, {"n_epochs": 1}, start=first.version)
    card = card_of(tmp_path, second)
    assert card["start"] == first.version
    assert card["configuration"]["n_hidden"] == 8
    assert card_of(tmp_path, first)["start"] is None
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        train_briefly(filled, tmp_path, start="nowhere")


def test_the_curve_holds_the_gap_of_free_energies(filled: Database, tmp_path: Path) -> None:
    result = train_briefly(filled, tmp_path, {"n_epochs": 3, "n_hidden": 8})
    curve = card_of(tmp_path, result)["curve"]
    assert all(isinstance(point["free_energy_gap"], float) for point in curve)


def test_a_run_that_diverges_publishes_nothing_and_names_the_epoch(
    filled: Database, tmp_path: Path
) -> None:
    wild = {"learning_rate_weights": 10, "l2": 10, "n_epochs": 50, "n_hidden": 8}
    with pytest.raises(DivergenceError, match="in epoch"):
        train_briefly(filled, tmp_path, wild)
    assert not list(tmp_path.glob("*Z-*"))


def test_a_checkpoint_of_other_settings_is_refused_by_name(
    filled: Database, tmp_path: Path
) -> None:
    class HaltError(Exception):
        pass

    def halt(_: object) -> None:
        if len(list((tmp_path / FOLDER).glob("*/state.json"))) == 1:
            raise HaltError

    with pytest.raises(HaltError):
        train_briefly(
            filled, tmp_path, {"n_epochs": 9, "n_hidden": 8},
            checkpoints=Checkpoints(every=2), on_epoch=halt,
        )  # fmt: skip
    with pytest.raises(CheckpointError, match="of a run with n_hidden 8, not 9"):
        train_briefly(
            filled, tmp_path, {"n_epochs": 9, "n_hidden": 9},
            checkpoints=Checkpoints(resume=Resume.REQUIRED),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"l2": float("nan")}, "hyper-parameter l2"),
        ({"n_hiden": 3}, "hyper-parameter n_hiden"),
        ({"momentum": "much"}, "hyper-parameter momentum"),
    ],
)
def test_a_wrong_hyper_parameter_is_refused_by_name(changes: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainingOptions(hyper_parameters=changes)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "is not JSON"), ("[1]", "no hyper-parameters"), (None, "No such")]
)
def test_a_configuration_that_cannot_be_read_is_refused(
    text: str | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "found.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(TrainingError, match=message):
        read_configuration(path)

"""A run that was stopped or killed goes on to the same weights, bit for bit."""

import hashlib
import json
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data import Interactions
from model import checkpoint
from model.checkpoint import CheckpointError
from model.config import Config
from model.engine import Engine
from model.rbm import RBM
from model.training import DivergenceError, Trainer
from tests.killing import kill_after
from tests.model.planted import planted

CONFIG = Config(n_hidden=12, n_epochs=6, batch_size=20, averaged_share=0.5, l2=0.01)
# For the killed processes; each checkpoint is a few files that are synced.
LONGER = Config(n_hidden=24, n_epochs=80, batch_size=10)


def data() -> Interactions:
    return planted(90, 40)


def checksum(rbm: RBM) -> str:
    return hashlib.sha256(rbm.W.tobytes() + rbm.a.tobytes() + rbm.b.tobytes()).hexdigest()


def finish(trainer: Trainer) -> str:
    list(trainer.epochs())
    assert trainer.finished
    return checksum(trainer.rbm())


@pytest.fixture(scope="module")
def uninterrupted() -> str:
    return finish(Trainer(data(), CONFIG, seed=3))


def stop_after(n_updates: int, trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train until so many updates of the whole run are done."""
    update = Engine.update

    def counted(engine: Engine, *arguments: Any, **named: Any) -> int:
        missed = update(engine, *arguments, **named)
        if engine.n_updates == n_updates:
            trainer.stop()
        return missed

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "update", counted)
        list(trainer.epochs())
    assert not trainer.finished


@pytest.mark.parametrize("stops", [[1], [5], [7, 16, 23], [26, 29]])  # 5 updates an epoch
def test_a_run_stopped_after_any_batch_goes_on_to_the_same_weights(
    stops: list[int], uninterrupted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n_updates in stops:
        trainer = Trainer(data(), CONFIG, seed=3)
        if n_updates != stops[0]:
            trainer.resume(tmp_path)
        stop_after(n_updates, trainer, monkeypatch)
        trainer.save(tmp_path)
    last = Trainer(data(), CONFIG, seed=3)
    last.resume(tmp_path)
    assert finish(last) == uninterrupted


def test_the_curve_goes_on_where_it_was(tmp_path: Path) -> None:
    whole = Trainer(data(), CONFIG)
    finish(whole)
    first = Trainer(data(), CONFIG)
    for report in first.epochs():
        if report.epoch == 4:
            first.save(tmp_path)
            break
    second = Trainer(data(), CONFIG)
    second.resume(tmp_path)
    assert second.curve == first.curve
    finish(second)
    errors = [[report.reconstruction_error for report in run.curve] for run in (whole, second)]
    assert errors[0] == errors[1]
    assert [report.epoch for report in second.curve] == [1, 2, 3, 4, 5, 6]


def checkpointed(folder: Path, **options: Any) -> Trainer:
    trainer = Trainer(data(), CONFIG, **options)
    next(trainer.epochs())
    trainer.save(folder)
    return trainer


def test_only_the_newest_checkpoint_stays_and_it_holds_no_pickle(tmp_path: Path) -> None:
    trainer = checkpointed(tmp_path)
    next(trainer.epochs())
    newest = trainer.save(tmp_path)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [newest]
    names = sorted(path.name for path in newest.iterdir())
    assert [name for name in names if not name.endswith(".npy")] == ["state.json"]
    assert len(names) == 10
    for path in newest.glob("*.npy"):
        np.load(path, allow_pickle=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, "of a run with seed 0, not 1"),
        ({"config": CONFIG.model_copy(update={"l2": 0.5})}, r"of a run with l2 0\.01, not 0\.5"),
        ({"interactions": planted(90, 40, seed=1)}, "of a run on other ratings"),
        ({"start": "another"}, "of a run on another machine to start from"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_saying_what_differs(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    start = checkpointed(tmp_path).rbm()
    if "start" in changes:
        changes = {"start": start}
    other = Trainer(**{"interactions": data(), "config": CONFIG, "seed": 0, **changes})
    with pytest.raises(CheckpointError, match=message):
        other.resume(tmp_path)


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint in"):
        Trainer(data(), CONFIG).resume(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["W.npy", "velocity_a.npy", "kept_b.npy", "state.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_checkpoint_is_refused_by_file(name: str, damage: str, tmp_path: Path) -> None:
    checkpointed(tmp_path)
    (path,) = tmp_path.glob(f"*/{name}")
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    else:
        content[-1] ^= 1
        path.write_bytes(content if damage == "flip" else content[:-5])
    with pytest.raises(CheckpointError, match=name):
        Trainer(data(), CONFIG).resume(tmp_path)


def test_a_checkpoint_of_another_format_is_refused(tmp_path: Path) -> None:
    checkpointed(tmp_path)
    (path,) = tmp_path.glob("*/state.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    with pytest.raises(CheckpointError, match="not of format 1"):
        Trainer(data(), CONFIG).resume(tmp_path)


def test_weights_that_have_run_away_are_no_checkpoint(tmp_path: Path) -> None:
    trainer = Trainer(data(), CONFIG.model_copy(update={"learning_rate_weights": 10.0, "l2": 10.0}))
    with pytest.raises(DivergenceError):
        list(trainer.epochs())
    with pytest.raises(DivergenceError, match="epoch 1"):
        trainer.save(tmp_path)
    assert not list(tmp_path.iterdir())


def train_with_checkpoints(folder: Path) -> None:
    trainer = Trainer(data(), LONGER, threads=1)
    if any(folder.glob("*/state.json")):
        trainer.resume(folder)
    for _ in trainer.epochs():
        trainer.save(folder)
    folder.with_suffix(".sum").write_text(checksum(trainer.rbm()))


def check_kills(folder: Path, n_kills: int) -> None:
    expected = finish(Trainer(data(), LONGER))
    moments = random.Random()  # noqa: S311 - any moments do
    n_killed = n_ended = n_resumed = 0
    begin = time.monotonic()
    kill_after(None, train_with_checkpoints, folder / "whole")
    seconds = time.monotonic() - begin
    while True:
        # A run that is not killed in time comes to its end; then another one begins.
        own = folder / f"run-{n_ended}"
        is_resumed = any(own.glob("*/state.json"))
        begin = time.monotonic()
        n_resumed += is_resumed
        # Spread over the whole time, at random within each part.
        after = (n_killed + moments.random()) / n_kills * 0.9 * seconds
        # Once more, should all have come before the first checkpoint.
        more = n_killed < n_kills or (n_resumed == 0 and n_killed < 5 * n_kills)
        killed = kill_after(after if more else None, train_with_checkpoints, own)
        n_killed += killed
        if not killed:
            n_ended += 1
            if not is_resumed:
                seconds = time.monotonic() - begin  # the machine may be less busy than before
            assert own.with_suffix(".sum").read_text() == expected
            if not more:
                break
    assert n_resumed > 0, "no kill came between two checkpoints"


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    check_kills(tmp_path, n_kills=3)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_killed_at_twenty_moments_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    check_kills(tmp_path, n_kills=20)


def without(folder: Path, *names: str, **added: Any) -> None:
    """Change the configuration in a checkpoint, as if another version had written it."""
    (state,) = folder.glob("*-*/state.json")
    document = json.loads(state.read_text())
    stored = document["identity"]["configuration"]
    kept = {name: value for name, value in stored.items() if name not in names}
    document["identity"]["configuration"] = {**kept, **added}
    state.write_text(json.dumps(document))


def stopped(folder: Path, config: Config = CONFIG) -> str:
    """Leave a checkpoint of half a run; return the checksum of the whole one."""
    trainer = Trainer(data(), config)
    for report in trainer.epochs():
        if report.epoch == 3:
            trainer.save(folder)
    return checksum(trainer.rbm())


def test_a_hyper_parameter_that_came_later_and_has_its_default_keeps_the_checkpoint(
    tmp_path: Path,
) -> None:
    whole = stopped(tmp_path)
    without(tmp_path, "prior_scale", "coupling_l2")
    resumed = Trainer(data(), CONFIG)
    resumed.resume(tmp_path)
    assert finish(resumed) == whole


def test_a_hyper_parameter_that_only_one_version_knows_and_has_changed_refuses_the_checkpoint(
    tmp_path: Path,
) -> None:
    stopped(tmp_path, CONFIG.model_copy(update={"prior_scale": 2.0}))
    without(tmp_path, "prior_scale")
    with pytest.raises(CheckpointError, match=r"prior_scale 1\.5, not 2\.0"):
        Trainer(data(), CONFIG.model_copy(update={"prior_scale": 2.0})).resume(tmp_path)
    without(tmp_path, warmth=3)
    with pytest.raises(CheckpointError, match="a version that knows warmth"):
        Trainer(data(), CONFIG).resume(tmp_path)


def test_a_note_is_read_without_the_arrays(tmp_path: Path) -> None:
    trainer = Trainer(data(), CONFIG)
    trainer.note["ratings_revision"] = 12
    name = trainer.save(tmp_path).name
    (tmp_path / name / "W.npy").unlink()
    (tmp_path / ".unfinished-x").mkdir()
    assert checkpoint.notes(tmp_path) == {name: {"ratings_revision": 12}}
    assert checkpoint.notes(tmp_path / "nowhere") == {}

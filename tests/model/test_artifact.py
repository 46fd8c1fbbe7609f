import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.artifact import ArtifactError, load, load_whole, save
from model.coarse import coarse
from model.rbm import Calibration
from tests.model.machines import random_rbm, with_everything

CALIBRATION = Calibration(0.9, 0.8, 0.7, 0.1)
CARD = {"seed": 7, "figures": {"ndcg@100": {"mean": 0.4, "se": 0.02}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "v1", random_rbm(0, classic=True, calibration=CALIBRATION), CARD)
    return tmp_path / "v1"


def test_what_is_saved_is_loaded(folder: Path) -> None:
    rbm, artifact = random_rbm(0), load(folder)
    for name in ("W", "a", "b", "movie_ids"):
        np.testing.assert_array_equal(getattr(artifact.rbm, name), getattr(rbm, name))
    assert (artifact.rbm.mean_ratings, artifact.rbm.classic) == (12.0, True)
    assert artifact.rbm.calibration == CALIBRATION
    assert artifact.card["figures"] == CARD["figures"]


def test_a_loaded_machine_scores_the_same_bytes(folder: Path) -> None:
    rows, liked = np.array([1, 2]), np.array([True, False])
    before = random_rbm(0, classic=True, calibration=CALIBRATION).score_user(rows, liked)
    for one, other in zip(before, load(folder).rbm.score_user(rows, liked), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.fixture
def whole_folder(tmp_path: Path) -> Path:
    """A machine with a prior and couplings."""
    save(tmp_path / "v2", with_everything(1), CARD)
    return tmp_path / "v2"


def test_a_machine_with_prior_and_couplings_is_loaded_as_it_was(whole_folder: Path) -> None:
    rbm, loaded = with_everything(1), load_whole(whole_folder)
    assert loaded.card["format"] == 2
    for part in ("prior", "couplings"):
        ours, theirs = getattr(rbm, part), getattr(loaded.rbm, part)
        for field in fields(ours):
            np.testing.assert_array_equal(getattr(theirs, field.name), getattr(ours, field.name))
            array = getattr(theirs, field.name)
            assert not isinstance(array, np.ndarray) or not array.flags.writeable
    assert loaded.rbm.calibration == rbm.calibration
    rows, liked = np.array([1, 2]), np.array([True, False])
    for one, other in zip(
        rbm.score_user(rows, liked), loaded.rbm.score_user(rows, liked), strict=True
    ):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("missing", ["prior", "couplings"])
def test_prior_and_couplings_are_stored_each_by_itself(tmp_path: Path, missing: str) -> None:
    nothing: dict[str, Any] = {missing: None}
    save(tmp_path / "v", replace(with_everything(1), **nothing), CARD)
    rbm = load(tmp_path / "v").rbm
    assert (rbm.prior is None, rbm.couplings is None) == (
        missing == "prior",
        missing == "couplings",
    )


def test_a_machine_without_them_is_written_in_the_first_format(folder: Path) -> None:
    card = load(folder).card
    assert card["format"] == 1
    assert card["machine"]["calibration"].keys() == {"hidden", "film", "person", "shift"}


def test_a_damaged_array_of_prior_or_couplings_is_refused_by_name(whole_folder: Path) -> None:
    for path in sorted(whole_folder.glob("*.*.npy")):
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(ArtifactError, match=path.name):
            load(whole_folder)
        path.write_bytes(content)
    assert len(list(whole_folder.glob("*.*.npy"))) == 11


@pytest.mark.parametrize("part", ["prior", "couplings"])
def test_arrays_of_another_size_than_the_card_says_are_refused(
    whole_folder: Path, part: str
) -> None:
    card = json.loads((whole_folder / "card.json").read_text())
    card["machine"][part]["size"] += 1
    (whole_folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ArtifactError, match=rf"{part}\.\w+\.npy has shape"):
        load(whole_folder)


def test_loaded_weights_cannot_be_changed(folder: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        load(folder).rbm.W[0, 0, 0] = 1


def test_files_are_those_of_the_format_and_hold_no_pickle(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "W.npy", "a.npy", "b.npy", "card.json", "movie_ids.npy",
    ]  # fmt: skip
    shapes = {path.stem: np.load(path, allow_pickle=False) for path in folder.glob("*.npy")}
    assert shapes["W"].dtype == np.float32
    assert shapes["W"].shape == (40, 2, 6)
    assert shapes["movie_ids"].dtype == np.int64


@pytest.mark.parametrize("name", ["W.npy", "a.npy", "b.npy", "movie_ids.npy"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_file_is_refused_by_name(folder: Path, name: str, damage: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    elif damage == "truncate":
        path.write_bytes(content[:-5])
    else:
        content[-1] ^= 1
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=name):
        load(folder)


def test_a_card_that_is_not_the_published_one_is_refused(tmp_path: Path) -> None:
    sha256 = save(tmp_path / "v", random_rbm(1), CARD)
    assert load(tmp_path / "v", sha256=sha256).card["seed"] == 7
    card = json.loads((tmp_path / "v" / "card.json").read_text())
    (tmp_path / "v" / "card.json").write_text(json.dumps({**card, "seed": 8}))
    with pytest.raises(ArtifactError, match="checksum differs"):
        load(tmp_path / "v", sha256=sha256)


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "not JSON"), ("[]", "not a JSON object"), ('{"format": 99}', "format 99"),
     ('{"format": 1}', "lacks files, machine"),
     ('{"format": 1, "machine": {}, "files": []}', "no list of files"),
     ('{"format": 1, "machine": [], "files": {}}', "describes no machine"),
     ("[" * 100_000, "nested too deeply"), ('{"a": ' * 40 + "1" + "}" * 40, "32 levels"),
     ('{"a": 1e999}', "not finite"), ('{"a": 9223372036854775808}', "more than 64 bits"),
     ('{"a": "\\ud800"}', "half a surrogate pair")],
)  # fmt: skip
def test_a_card_that_cannot_be_read_is_refused(folder: Path, content: str, message: str) -> None:
    (folder / "card.json").write_text(content)
    with pytest.raises(ArtifactError, match=message):
        load(folder)


def test_arrays_that_do_not_fit_the_card_are_refused(folder: Path) -> None:
    card = json.loads((folder / "card.json").read_text())
    card["machine"]["n_hidden"] = 5
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ArtifactError, match=r"W\.npy has shape \(40, 2, 6\)"):
        load(folder)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_not_written(tmp_path: Path, value: float) -> None:
    rbm = random_rbm(0)
    rbm.W[3, 1, 2] = value
    with pytest.raises(ValueError, match="W holds a value that is not finite"):
        save(tmp_path / "v", rbm, CARD)
    assert not (tmp_path / "v").exists()


def large_folder(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("model.artifact.MIN_WEIGHTS", 1)
    save(path, with_everything(1), CARD)
    return path


def test_a_large_machine_has_rounded_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = large_folder(tmp_path / "v3", monkeypatch)
    loaded = load_whole(folder)
    assert loaded.rbm.coarse is not None
    assert loaded.rbm.coarse.covers(loaded.rbm.W)
    assert loaded.card["format"] == 2
    monkeypatch.setattr("model.artifact.MIN_WEIGHTS", 10**9)
    save(tmp_path / "v4", with_everything(1), CARD)
    assert load(tmp_path / "v4").rbm.coarse is None


def test_weights_that_are_rounded_wrongly_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.artifact.coarse", lambda W: coarse(W / 2))
    folder = large_folder(tmp_path / "v3", monkeypatch)
    load(folder)
    with pytest.raises(ArtifactError, match="rounded wrongly"):
        load_whole(folder)

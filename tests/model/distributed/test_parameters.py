from pathlib import Path

import numpy as np
import pytest

from data.totals import Totals
from model.checkpoint import CheckpointError
from model.config import Config
from model.distributed import parameters
from model.distributed.parameters import (
    File,
    Layout,
    check,
    cut,
    fetch,
    first_blocks,
    read,
    writer,
)
from model.initialise import initialise
from tests.model.machines import random_rbm
from tests.model.planted import planted

VECTOR = np.arange(1_000, dtype=np.float32)


def write(place: Path | str, vector: np.ndarray = VECTOR) -> File:
    with writer(str(place)) as file:
        file.add(vector[:400])
        file.add(vector[400:])
    return file.done()


@pytest.mark.parametrize("place", ["disk", "memory://store/vector.f32"])
def test_a_vector_is_read_as_it_was_written_whole_and_in_parts(place: str, tmp_path: Path) -> None:
    file = write(tmp_path / "folder" / "vector.f32" if place == "disk" else place)
    np.testing.assert_array_equal(read(file), VECTOR)
    np.testing.assert_array_equal(read(file, slice(399, 405)), VECTOR[399:405])
    np.testing.assert_array_equal(fetch(file), VECTOR)
    check(file)


def test_a_damaged_short_or_missing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vector.f32"
    file = write(path)
    content = path.read_bytes()
    path.write_bytes(b"\1" + content[1:])
    for look in (read, check):
        with pytest.raises(CheckpointError, match="is damaged: its checksum is another"):
            look(file)
    path.write_bytes(content[:-4])
    with pytest.raises(CheckpointError, match="it ends too early"):
        read(file)
    path.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        read(file)


def break_off(path: Path) -> None:
    with writer(str(path)) as file:
        file.add(VECTOR)
        raise KeyboardInterrupt


def test_an_interrupted_file_never_appears(tmp_path: Path) -> None:
    path = tmp_path / "vector.f32"
    with pytest.raises(KeyboardInterrupt):
        break_off(path)
    assert list(tmp_path.iterdir()) == []


def test_the_first_vector_is_that_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    data, config = planted(50, 30), Config(n_hidden=7)
    fresh = initialise(data, config, seed=3)
    expected = Layout(30, 7).vector(fresh)
    monkeypatch.setattr(parameters, "BLOCK", 100)
    blocks = list(first_blocks(Totals.of(data), config, seed=3))
    assert len(blocks) > 8
    np.testing.assert_array_equal(np.concatenate(blocks), expected)


def test_a_vector_holds_parameters_before_velocities() -> None:
    rbm = random_rbm(0)
    layout = Layout(rbm.n_movies, rbm.n_hidden)
    vector = layout.vector(rbm)
    for own, given in zip(layout.split(vector), (rbm.W, rbm.a, rbm.b), strict=True):
        np.testing.assert_array_equal(own, given)
        assert np.shares_memory(own, vector)
    assert len(vector) == 2 * layout.n_parameters
    assert not vector[layout.n_parameters :].any()


def test_blocks_cover_a_vector_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "BLOCK", 64)
    blocks = cut(1_000)
    np.testing.assert_array_equal(np.concatenate([VECTOR[block] for block in blocks]), VECTOR)
    assert max(block.stop - block.start for block in blocks) <= 64

"""The gap of free energies between users that were trained on and users that were not."""

from itertools import islice

import numpy as np
import pytest
from scipy import sparse

from data import Interactions
from data.splitting import HeldOut, Split, strong_generalisation
from model.config import Config
from model.initialise import base_rates, initialise
from model.monitor import FreeEnergyMonitor
from model.rbm import columns
from model.training import EpochReport, Trainer
from tests.model.planted import planted

CONFIG = Config(n_hidden=64, n_epochs=60, batch_size=20, l2=0.0)


@pytest.fixture(scope="module")
def split() -> Split:
    return strong_generalisation(planted(200, 60))


@pytest.fixture(scope="module")
def curve(split: Split) -> list[EpochReport]:
    """Nothing holds this machine back from learning its users by heart."""
    rates = ("learning_rate_weights", "learning_rate_visible", "learning_rate_hidden")
    config = CONFIG.model_copy(update=dict.fromkeys(rates, 0.2))
    return list(Trainer(split.training, config, validation=split.validation).epochs())


def test_the_gap_rises_while_the_machine_learns_by_heart(curve: list[EpochReport]) -> None:
    gaps = [report.free_energy_gap for report in curve]
    assert all(gap is not None for gap in gaps)
    first, middle, last = (np.mean([float(gap or 0) for gap in part]) for part in (
        gaps[:3], gaps[20:30], gaps[-10:]
    ))  # fmt: skip
    assert abs(first) < 1
    assert last > middle > first + 1


def test_weight_decay_keeps_the_gap_small(split: Split, curve: list[EpochReport]) -> None:
    config = CONFIG.model_copy(update={"l2": 0.02})
    *_, last = Trainer(split.training, config, validation=split.validation).epochs()
    assert last.free_energy_gap is not None
    assert last.free_energy_gap < 0.5 * float(curve[-1].free_energy_gap or 0)


def test_the_gap_is_the_difference_of_the_free_energies_of_paired_users(split: Split) -> None:
    """With one training user there is one to pair with; the activity cancels."""
    one = split.training.select_users([4])
    trainer = Trainer(split.training, CONFIG)
    list(islice(trainer.epochs(), 5))
    rbm, base = trainer.rbm(), base_rates(split.training)

    def energies(users: Interactions) -> np.ndarray:
        entries = columns(users.movie_rows, users.liked), users.indptr
        shape = (users.n_users, 2 * users.n_movies)
        V = sparse.csr_array((np.ones(users.n_ratings), *entries), shape=shape)
        t = np.full(users.n_users, 0.3)
        return rbm.free_energy(V, t) + V @ base.reshape(-1) + t * V.sum(axis=1)

    expected = energies(split.validation.everything()).mean() - energies(one).mean()
    found = FreeEnergyMonitor(one, split.validation, base).gap(rbm)
    assert found == pytest.approx(expected, abs=1e-3)


def test_before_training_there_is_no_gap(split: Split) -> None:
    rbm = initialise(split.training, CONFIG, seed=0)
    gap = FreeEnergyMonitor(split.training, split.validation, rbm.a).gap(rbm)
    assert gap == pytest.approx(0, abs=0.2)


def test_without_validation_users_and_of_the_classic_machine_there_is_no_gap(
    split: Split,
) -> None:
    classic = CONFIG.model_copy(update={"classic": True, "n_epochs": 1})
    (report,) = Trainer(split.training, classic, validation=split.validation).epochs()
    assert report.free_energy_gap is None
    no_users = HeldOut(
        split.validation.given.select_users([]), split.validation.hidden.select_users([])
    )
    once = CONFIG.model_copy(update={"n_epochs": 1})
    (report,) = Trainer(split.training, once, validation=no_users).epochs()
    assert report.free_energy_gap is None

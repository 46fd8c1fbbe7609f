"""What is done with the weights of dislikes once training is over."""

from dataclasses import replace

import numpy as np
import pytest

from model import train
from model.config import Config
from model.dislikes import weigh_dislikes
from model.rbm import DISLIKE, LIKE
from model.training import Trainer
from tests.model.enumeration import tiny_rbm
from tests.model.planted import planted

SMALL = Config(n_hidden=8, n_epochs=3, batch_size=20)


def test_where_half_of_the_units_are_on_nothing_changes() -> None:
    rbm = tiny_rbm()
    half, t = np.full((1, rbm.n_hidden), 0.5), np.zeros(1)
    before, after = (machine.visible_input(half, t) for machine in (rbm, weigh_dislikes(rbm, 0.3)))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_weights_of_dislikes_alone_are_multiplied() -> None:
    rbm = tiny_rbm()
    weighed = weigh_dislikes(rbm, 0.3)
    np.testing.assert_allclose(weighed.W[:, DISLIKE], 0.3 * rbm.W[:, DISLIKE], rtol=1e-6)
    np.testing.assert_array_equal(weighed.W[:, LIKE], rbm.W[:, LIKE])
    np.testing.assert_array_equal(weighed.a[:, LIKE], rbm.a[:, LIKE])
    np.testing.assert_array_equal(weighed.b, rbm.b)


def test_the_inverse_weight_gives_the_machine_back() -> None:
    rbm = tiny_rbm()
    back = weigh_dislikes(weigh_dislikes(rbm, 0.25), 4.0)
    np.testing.assert_allclose(back.W, rbm.W, atol=1e-6)
    np.testing.assert_allclose(back.a, rbm.a, atol=1e-6)


def test_the_classic_machine_stays_as_it_is() -> None:
    rbm = replace(tiny_rbm(), classic=True)
    np.testing.assert_array_equal(weigh_dislikes(rbm, 0.3).W, rbm.W)


def test_a_finished_machine_has_the_weight_that_the_configuration_says() -> None:
    data = planted(60, 30)
    trained = train(data, SMALL.model_copy(update={"dislike_weight": 1.0}))
    expected = weigh_dislikes(trained, 0.5)
    finished = train(data, SMALL.model_copy(update={"dislike_weight": 0.5}))
    np.testing.assert_array_equal(finished.W, expected.W)
    np.testing.assert_array_equal(finished.a, expected.a)


@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_a_warm_start_goes_on_from_the_weights_before_they_were_weighed(weight: float) -> None:
    data = planted(60, 30)
    config = SMALL.model_copy(update={"dislike_weight": weight, "l2": 0.0})
    earlier = train(data, config)
    rates = ("learning_rate_weights", "learning_rate_visible", "learning_rate_hidden")
    still = config.model_copy(update=dict.fromkeys(rates, 1e-12))
    trainer = Trainer(data, still, start=earlier)
    for _ in trainer.epochs():
        pass
    np.testing.assert_allclose(trainer.rbm().W, earlier.W, atol=1e-6)
    np.testing.assert_allclose(trainer.rbm().a, earlier.a, atol=1e-5)

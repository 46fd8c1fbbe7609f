"""What training begins with: from nothing, and from an earlier machine over other movies."""

import numpy as np
import pytest

from data.splitting import Split, strong_generalisation
from model import train
from model.config import Config
from model.evaluation import judge
from model.initialise import initialise, warm_config, warm_start
from model.rbm import RBM, activity
from model.training import Trainer
from tests.model.planted import planted

CONFIG = Config(n_hidden=16, n_epochs=30, batch_size=32)


@pytest.fixture(scope="module")
def split() -> Split:
    return strong_generalisation(planted(400, 80))


@pytest.fixture(scope="module")
def earlier(split: Split) -> RBM:
    """Trained on two thirds of the users, over the movies 5 to 79 and one that is gone since."""
    some = split.training.select_users(np.arange(split.training.n_users * 2 // 3))
    return train(some.with_movies(np.append(np.arange(5, 80), 999)), CONFIG)


def test_movies_that_both_know_keep_their_weights(split: Split, earlier: RBM) -> None:
    fresh = initialise(split.training, CONFIG, seed=1)
    start = warm_start(earlier, fresh)
    np.testing.assert_array_equal(start.movie_ids, np.arange(80))
    np.testing.assert_array_equal(start.W[5:], earlier.W[:75])
    np.testing.assert_array_equal(start.b, earlier.b)


def test_new_movies_start_at_their_base_rates_with_small_weights(
    split: Split, earlier: RBM
) -> None:
    fresh = initialise(split.training, CONFIG, seed=1)
    start = warm_start(earlier, fresh)
    np.testing.assert_array_equal(start.W[:5], fresh.W[:5])
    np.testing.assert_array_equal(start.a[:5], fresh.a[:5])
    assert 0 < np.abs(start.W[:5]).max() < 0.06


def test_the_same_person_is_given_the_same_probabilities_as_before(
    split: Split, earlier: RBM
) -> None:
    start = warm_start(earlier, initialise(split.training, CONFIG, seed=1))
    assert start.mean_ratings != earlier.mean_ratings
    H = np.random.default_rng(0).random((1, 16), dtype=np.float32)
    before, after = (
        rbm.visible_input(H, activity(np.array([12]), rbm.mean_ratings))[0]
        for rbm in (earlier, start)
    )
    np.testing.assert_allclose(after[5:], before[:75], atol=1e-5)


def test_the_earlier_machine_is_not_changed(split: Split, earlier: RBM) -> None:
    before = earlier.W.copy(), earlier.a.copy(), earlier.b.copy()
    list(Trainer(split.training, warm_config(CONFIG), start=earlier).epochs())
    for array, kept in zip((earlier.W, earlier.a, earlier.b), before, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_a_warm_start_is_as_good_as_a_cold_one_in_a_third_of_the_epochs(
    split: Split, earlier: RBM
) -> None:
    warm = Trainer(split.training, warm_config(CONFIG), start=earlier)
    assert len(list(warm.epochs())) == CONFIG.n_epochs // 3
    short = CONFIG.model_copy(update={"n_epochs": CONFIG.n_epochs // 3})
    figures = {
        name: judge(rbm, split.validation)["ndcg@10"].mean()
        for name, rbm in {
            "warm": warm.rbm(),
            "cold": train(split.training, CONFIG),
            "short": train(split.training, short),
        }.items()
    }
    assert figures["warm"] > figures["short"]
    assert figures["warm"] > 0.97 * figures["cold"]


def test_the_schedule_of_a_warm_start_is_the_last_third_of_the_cold_one() -> None:
    warm = warm_config(CONFIG)
    assert warm.n_epochs == 10
    for name in ("learning_rate_weights", "learning_rate_visible", "learning_rate_hidden"):
        assert getattr(warm, name) == pytest.approx(getattr(CONFIG, name) / 3)
    assert warm.model_copy(update={"n_epochs": 30}).l2 == CONFIG.l2
    assert warm_config(Config(n_epochs=1)).n_epochs == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_hidden": 17}, "has 16 hidden units, the configuration says 17"),
        ({"classic": True}, "is not classic, the new one classic"),
    ],
)
def test_a_machine_of_another_kind_is_refused(
    changes: dict, message: str, split: Split, earlier: RBM
) -> None:
    with pytest.raises(ValueError, match=message):
        Trainer(split.training, CONFIG.model_copy(update=changes), start=earlier)

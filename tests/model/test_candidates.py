import numpy as np
import pytest

import model
from data import Interactions
from data.splitting import MIN_LIKES, Split, strong_generalisation, validation_users
from model.candidates import SEARCHED, families, train_best
from model.config import Config
from model.evaluation import Scorer
from model.selection import Family, Settings, search
from model.training import train
from tests.model.planted import planted


@pytest.fixture(scope="module")
def many() -> Interactions:
    return planted(SEARCHED.start * 2, 80)


@pytest.fixture(scope="module")
def split(many: Interactions) -> Split:
    return strong_generalisation(many)


def alternatives(interactions: Interactions, config: Config | None = None) -> int:
    return families(interactions, config)["rbm"].n_fits - 1


def test_the_rbm_is_searched_where_users_are_many_and_no_configuration_is_given(
    split: Split,
) -> None:
    few = planted(SEARCHED.start // 2, 40)
    assert alternatives(split.training) == 6
    assert alternatives(few) == 1
    assert alternatives(split.training, Config(n_hidden=7)) == 1


def test_the_larger_machine_is_made_of_the_decay_that_won(split: Split) -> None:
    family = families(split.training)["rbm"]
    rule = Config.for_data(split.training)

    def like_best_when_held_tight(_: Interactions, settings: Settings, __: int) -> Scorer:
        tried.append(settings)
        return planned[0] if settings["l2"] == 2.5 * rule.l2 else planned[1]

    tried: list[Settings] = []
    good = train(split.training, Config(n_hidden=8, n_epochs=10), seed=0)
    bad = train(split.training, Config(n_hidden=1, n_epochs=1), seed=0)
    planned = (good, bad)
    settings, best, _ = search(
        Family("rbm", like_best_when_held_tight, family.stages), split.training, split.validation, 0
    )
    assert settings == {**rule.model_dump(), "l2": 2.5 * rule.l2}
    assert best is good
    assert tried[-1]["l2"] == pytest.approx(1.6 * 2.5 * rule.l2)
    assert tried[-1]["n_hidden"] > rule.n_hidden
    assert tried[-1]["batch_size"] < rule.batch_size


def test_validation_users_are_a_tenth_and_none_of_the_others(many: Interactions) -> None:
    training, validation = validation_users(many, seed=3)
    held_out = set(validation.given.user_keys.tolist())
    n_eligible = np.count_nonzero(many.likes_per_user >= MIN_LIKES)
    assert 0.08 * n_eligible < len(held_out) <= 0.1 * n_eligible
    assert not held_out & set(training.user_keys.tolist())
    assert training.n_users == many.n_users - round(0.1 * n_eligible)


def test_training_without_a_configuration_chooses_one_and_then_trains_on_everybody(
    many: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[tuple[int, float]] = []

    def quick(interactions: Interactions, config: Config, *, seed: int) -> model.RBM:
        fitted.append((interactions.n_users, config.l2))
        return train(
            interactions, config.model_copy(update={"n_epochs": 2, "n_hidden": 8}), seed=seed
        )

    monkeypatch.setattr("model.candidates.train", quick)
    rbm = model.train(many, seed=1)
    assert [n_users for n_users, _ in fitted].count(many.n_users) == 1
    assert fitted[-1][0] == many.n_users
    assert len({l2 for _, l2 in fitted}) == 6
    np.testing.assert_array_equal(rbm.movie_ids, many.movie_ids)
    assert rbm.calibration == train_best(many, seed=1).calibration


def test_a_given_configuration_is_taken_as_it_is(many: Interactions) -> None:
    config = Config(n_hidden=4, n_epochs=1)
    np.testing.assert_array_equal(model.train(many, config).W, train(many, config).W)

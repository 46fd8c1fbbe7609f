from dataclasses import replace

import numpy as np
import pytest

from data.splitting import strong_generalisation
from model.calibration import TYPICAL, TYPICAL_WITH_PRIOR
from model.config import Config
from model.finish import L2, STRENGTH, as_finished, finish
from model.rbm import RBM
from model.scoring import effects
from model.training import Trainer
from tests.model.planted import planted

SPLIT = strong_generalisation(planted(n_users=250), seed=0)
CONFIG = Config(n_hidden=8, n_epochs=4)


@pytest.fixture(scope="module")
def trained() -> RBM:
    trainer = Trainer(SPLIT.training, CONFIG)
    list(trainer.epochs())
    return trainer.rbm()


def test_the_weights_stay_and_the_rest_is_added(trained: RBM) -> None:
    rbm = finish(trained, SPLIT.training, SPLIT.validation, CONFIG)
    for name in ("W", "a", "b"):
        np.testing.assert_array_equal(getattr(rbm, name), getattr(trained, name))
    assert rbm.prior is not None
    assert rbm.prior.length == pytest.approx(0.5 * trained.mean_ratings)
    assert rbm.calibration.hidden != TYPICAL_WITH_PRIOR.hidden
    assert (rbm.calibration.film, rbm.calibration.shift) == (1.0, 0.0)


def test_finishing_again_gives_the_same_bytes(trained: RBM) -> None:
    one, other = (finish(trained, SPLIT.training, SPLIT.validation, CONFIG) for _ in range(2))
    user = SPLIT.test.given.user(0)
    assert one.score_user(*user)[0].tobytes() == other.score_user(*user)[0].tobytes()
    assert one.calibration == other.calibration
    again = finish(one, SPLIT.training, SPLIT.validation, CONFIG)
    assert again.score_user(*user)[0].tobytes() == one.score_user(*user)[0].tobytes()


def test_without_validation_users_settings_are_the_typical_ones(trained: RBM) -> None:
    no_users = replace(
        SPLIT.validation,
        given=SPLIT.validation.given.select_users([]),
        hidden=SPLIT.validation.hidden.select_users([]),
    )
    for validation in (None, no_users):
        rbm = finish(trained, SPLIT.training, validation, CONFIG)
        assert rbm.calibration == TYPICAL_WITH_PRIOR
        assert rbm.couplings is not None
        assert (rbm.couplings.strength, rbm.couplings.l2) == (STRENGTH, L2)


def test_the_settings_that_were_chosen_finish_another_machine_in_the_same_way(
    trained: RBM,
) -> None:
    for given in ({"coupling_strength": 3.0, "coupling_l2": 4.0}, {"coupling_strength": 0.0}):
        config = CONFIG.model_copy(update=given)
        rbm = finish(trained, SPLIT.training, SPLIT.validation, config)
        assert as_finished(CONFIG, rbm).model_dump().items() >= given.items()
    assert rbm.couplings is None
    chosen = as_finished(CONFIG, finish(trained, SPLIT.training, SPLIT.validation, CONFIG))
    assert chosen.coupling_strength is not None
    again = finish(trained, SPLIT.training, None, chosen)
    assert as_finished(CONFIG, again) == chosen


def test_the_classic_machine_gets_a_calibration_alone(trained: RBM) -> None:
    classic = replace(trained, classic=True)
    rbm = finish(classic, SPLIT.training, SPLIT.validation, CONFIG)
    assert (rbm.prior, rbm.couplings) == (None, None)
    assert rbm.calibration != TYPICAL
    assert finish(classic, SPLIT.training, None, CONFIG).calibration == TYPICAL


def test_a_user_with_one_like_gets_movies_of_that_kind(trained: RBM) -> None:
    rbm = finish(trained, SPLIT.training, SPLIT.validation, CONFIG)
    kinds = rbm.movie_ids % 4
    row = int(np.flatnonzero(kinds == 1)[0])
    like, _ = rbm.score_user(np.array([row]), np.array([True]))
    own = like[(kinds == 1) & (np.arange(rbm.n_movies) != row)]
    assert own.mean() > like[kinds != 1].mean()


@pytest.mark.parametrize("n", [1, 2, 12])
def test_effects_equal_recomputation_by_the_scores_of_the_service(trained: RBM, n: int) -> None:
    rbm = finish(trained, SPLIT.training, SPLIT.validation, CONFIG)

    def logit(p: np.ndarray) -> np.ndarray:
        p = p.astype(np.float64)
        return np.log(p) - np.log1p(-p)

    for user in range(10):
        rows, liked = SPLIT.test.given.user(user)
        rows, liked = rows[:n], liked[:n]
        targets = np.setdiff1d(np.arange(rbm.n_movies), rows)[:30]
        effect = effects(rbm, rows, liked, targets)
        whole = logit(rbm.score_user(rows, liked)[0])[targets]
        for r in range(n):
            others = np.arange(n) != r
            without = logit(rbm.score_user(rows[others], liked[others])[0])[targets]
            np.testing.assert_allclose(effect[:, r], whole - without, atol=1e-6)

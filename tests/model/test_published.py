from typing import Any

import numpy as np
import pytest

from data import Interactions
from data.splitting import Group, holdout_groups, split_by_salt
from model import train
from model.config import Config
from model.evaluation import judge, summarise
from model.published import UnknownGateUsersError, judge_published
from model.rbm import RBM

CONFIG = Config(n_hidden=4, n_epochs=3, batch_size=20)
SALT = "pepper"


@pytest.fixture(scope="module")
def interactions() -> Interactions:
    rng = np.random.default_rng(0)
    users, movies = np.nonzero(rng.random((150, 40)) < 0.4)
    return Interactions.from_arrays(users, movies + 1, rng.random(len(users)) < 0.6)


@pytest.fixture(scope="module")
def rbm(interactions: Interactions) -> RBM:
    return train(split_by_salt(interactions, SALT, seed=5).training, CONFIG, seed=5)


@pytest.fixture
def card(interactions: Interactions) -> dict[str, Any]:
    return {"seed": 5, "data": {"n_users": interactions.n_users}, "holdout": {"salt": SALT}}


def test_the_figures_are_those_of_the_training(
    rbm: RBM, card: dict[str, Any], interactions: Interactions
) -> None:
    at_training = summarise(judge(rbm, split_by_salt(interactions, SALT, seed=5).test))
    report = judge_published(rbm, card, interactions, salt=SALT)
    assert [row["model"] for row in report["results"]] == ["popularity", "rbm"]
    for name, expected in at_training.items():
        assert report["results"][1]["metrics"][name] == expected._asdict()


def test_the_figures_with_few_ratings_stand_beside_popularity(
    rbm: RBM, card: dict[str, Any], interactions: Interactions
) -> None:
    report = judge_published(rbm, card, interactions, salt=SALT)
    assert [row["n"] for row in report["by_n_ratings"]] == [0, 1, 2, 3, 5, 10, "all"]
    for row in report["by_n_ratings"]:
        assert [each["model"] for each in row["results"]] == ["popularity", "rbm"]


def test_newcomers_of_the_gate_group_are_judged_too(
    rbm: RBM, card: dict[str, Any], interactions: Interactions
) -> None:
    newcomer = next(
        key for key in range(1000, 2000) if holdout_groups([key], SALT)[0] == Group.GATE
    )
    users = interactions.user_keys[interactions.user_rows].tolist() + [newcomer] * 30
    movies = interactions.movie_ids[interactions.movie_rows].tolist() + list(range(1, 31))
    more = Interactions.from_arrays(users, movies, [*interactions.liked.tolist(), *[True] * 30])
    before, after = (
        judge_published(rbm, card, x, salt=SALT)["protocol"]["n_test_users"]
        for x in (interactions, more)
    )
    assert after == before + 1


def test_a_model_of_another_database_is_refused(
    rbm: RBM, card: dict[str, Any], interactions: Interactions
) -> None:
    with pytest.raises(UnknownGateUsersError, match="trained on another database"):
        judge_published(rbm, card, interactions, salt="salt")


@pytest.mark.parametrize("missing", ["seed", "data", "holdout"])
def test_a_card_without_the_holdout_rule_is_refused(
    missing: str, rbm: RBM, card: dict[str, Any], interactions: Interactions
) -> None:
    del card[missing]
    with pytest.raises(UnknownGateUsersError, match=f"does not say who was held out: '{missing}'"):
        judge_published(rbm, card, interactions, salt=SALT)

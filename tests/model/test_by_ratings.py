import json
from typing import Any

import numpy as np
import pytest

from data import Interactions
from data.splitting import HeldOut, strong_generalisation
from model.baselines import Bias, Popularity
from model.by_ratings import ALL, NUMBERS, by_n_ratings, measure_thinned, thinned
from model.comparison import compare
from model.config import Config
from model.evaluation import Scorer, prove_unseen
from model.selection import Family, Part, select
from tests.model.planted import planted

CONFIG = Config(n_hidden=8, n_epochs=10, batch_size=40)


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    return strong_generalisation(planted()).test


@pytest.fixture(scope="module")
def users(held_out: HeldOut) -> dict[str, HeldOut]:
    return thinned(held_out, salt="salt")


def test_each_user_gives_exactly_so_many_ratings_and_none_that_is_to_be_found(
    users: dict[str, HeldOut],
) -> None:
    assert list(users) == [*NUMBERS, ALL]
    for n in NUMBERS:
        assert (users[n].given.ratings_per_user == int(n)).all()
        assert (users[n].hidden.likes_per_user > 0).all()
        prove_unseen(users[n].given, users[n].hidden)
    assert users["0"].given.n_ratings == 0


def test_all_is_the_protocol_as_it_is(held_out: HeldOut, users: dict[str, HeldOut]) -> None:
    assert users[ALL] is held_out


def test_nothing_but_the_first_ratings_is_left_out(
    held_out: HeldOut, users: dict[str, HeldOut]
) -> None:
    whole = dict(
        zip(held_out.given.user_keys.tolist(), held_out.everything().ratings_per_user, strict=True)
    )
    for n in NUMBERS:
        for key, hidden in zip(
            users[n].hidden.user_keys.tolist(), users[n].hidden.ratings_per_user, strict=True
        ):
            assert hidden == whole[key] - int(n)


def test_many_users_are_thinned_to_some_of_them(
    held_out: HeldOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.by_ratings.MAX_USERS", 10)
    some = thinned(held_out, salt="salt")
    assert some["3"].given.n_users == 10
    assert some[ALL].given.n_users == held_out.given.n_users


def test_figures_of_every_model_and_number_are_plain_json(held_out: HeldOut) -> None:
    training = strong_generalisation(planted()).refit
    bias = Bias.fit(training, movie_damping=5, user_damping=5)
    models: dict[str, Scorer] = {"popularity": Popularity.fit(training), "rbm": bias}
    table = by_n_ratings(measure_thinned(models, held_out, salt="salt", numbers=("3",)))
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    assert [row["n"] for row in table] == [3, "all"]
    for row in table:
        popularity, rbm = row["results"]
        assert [popularity["model"], rbm["model"]] == ["popularity", "rbm"]
        assert {"ndcg@100", "recall@20", "log_loss", "ece"} == rbm["metrics"].keys()
        assert {"ndcg@100", "recall@20", "log_loss"} == popularity["rbm_minus_this"].keys()
        assert row["best_peer"] == "popularity"
        means = [each["metrics"]["ndcg@100"]["mean"] for each in (rbm, popularity)]
        assert row["ratio"] == pytest.approx(means[0] / means[1])


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return compare(planted(), models=("popularity", "ease", "rbm"), config=CONFIG, seeds=(0, 1))


def test_the_comparison_has_the_table_with_each_models_settings(report: dict[str, Any]) -> None:
    table = report["by_n_ratings"]
    assert [row["n"] for row in table] == [0, 1, 2, 3, 5, 10, 20, "all"], "nobody rated 40"
    for row in table:
        assert [each["model"] for each in row["results"]] == ["popularity", "ease", "rbm"]
        assert "l2" in row["results"][1]["settings"]
        assert row["best_peer"] in {"popularity", "ease"}
    assert (
        table[-1]["results"][2]["metrics"]["ndcg@100"]
        == [row["metrics"]["ndcg@100"] for row in report["results"] if row["model"] == "rbm"].pop()
    )


def test_one_machine_serves_every_number_of_ratings(report: dict[str, Any]) -> None:
    settings = [row["results"][2]["settings"] for row in report["by_n_ratings"]]
    assert all(each == settings[0] for each in settings)


class Constant:
    """Finds the likes of one movie; which one is its setting."""

    def __init__(self, movie_ids: np.ndarray, movie: int) -> None:
        self.movie_ids = movie_ids
        self._scores = np.zeros(len(movie_ids), dtype=np.float32)
        self._scores[movie] = 1

    def score_user(self, rows: np.ndarray, liked: np.ndarray) -> tuple[np.ndarray, None]:
        del rows, liked
        return self._scores, None


def constant(interactions: Interactions, settings: Any, seed: int) -> Scorer:
    fitted.append((seed, dict(settings)))
    return Constant(interactions.movie_ids, settings["movie"])


fitted: list[tuple[int, dict[str, Any]]] = []


def part(liked: list[int], few: list[int], seed: int) -> Part:
    """Users who each like one movie: `liked` with all ratings, `few` with none."""

    def users(movies: list[int]) -> HeldOut:
        hidden = Interactions.from_arrays(
            range(len(movies)), movies, np.ones(len(movies)), movie_ids=range(3)
        )
        return HeldOut(hidden.select_ratings(np.zeros(len(movies), dtype=bool)), hidden)

    training = Interactions.from_arrays([0, 0, 0], [0, 1, 2], [1, 1, 1])
    return Part(training, {"0": users(few), ALL: users(liked)}, seed)


def test_settings_are_chosen_for_each_number_by_the_users_of_all_splits() -> None:
    fitted.clear()
    family = Family("constant", constant, (({"movie": 0}, {"movie": 1}, {"movie": 2}),),
                    by_number=True)  # fmt: skip
    # The first split alone would choose 1, the second 2 by more users.
    parts = [part([1, 1, 2], [0], 0), part([2, 2, 2, 2], [0], 1)]
    chosen = select(family, parts)
    assert chosen.best == {ALL: {"movie": 2}, "0": {"movie": 0}}
    assert [seed for seed, _ in fitted] == [0, 1] * 3, "each setting is fitted once for each split"


def test_later_stages_start_from_the_best_of_each_number() -> None:
    fitted.clear()
    stages = (({"movie": 0}, {"movie": 2}), ({"again": True},))
    family = Family("constant", constant, stages, by_number=True)
    ticks: list[int] = []
    chosen = select(family, [part([2, 2], [0], 0)], lambda: ticks.append(1))
    again = [settings for settings, _ in chosen.tried if "again" in settings]
    assert again == [{"movie": 0, "again": True}, {"movie": 2, "again": True}]
    assert len(ticks) + 2 == family.most_fits(2)

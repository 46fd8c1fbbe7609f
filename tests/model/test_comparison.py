import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from data import Interactions
from data.splitting import HeldOut, Split, strong_generalisation
from data.temporal import slice_by_time
from model import comparison
from model.candidates import NAMES, families
from model.comparison import compare
from model.config import Config
from model.evaluation import LeakError, judge
from model.protocol import fingerprint
from model.refit import choose
from model.selection import Family

N_USERS, N_MOVIES = 200, 60
CONFIG = Config(n_hidden=16, n_epochs=60, batch_size=20, l2=0.002, learning_rate_weights=0.3)
QUICK = ("popularity", "rbm")


@pytest.fixture(scope="module")
def columns() -> tuple[np.ndarray, ...]:
    """Four tastes: users see mostly movies of their own, and like three in four of these."""
    rng = np.random.default_rng(0)
    own = (np.arange(N_USERS)[:, np.newaxis] % 4) == (np.arange(N_MOVIES) % 4)
    users, movies = np.nonzero(rng.random((N_USERS, N_MOVIES)) < np.where(own, 0.6, 0.1))
    liked = rng.random(len(users)) < np.where(own[users, movies], 0.75, 0.3)
    return users, movies + 1, liked, rng.integers(0, 10_000, len(users))


@pytest.fixture(scope="module")
def interactions(columns: tuple[np.ndarray, ...]) -> Interactions:
    return Interactions.from_arrays(*columns[:3])


@pytest.fixture(scope="module")
def report(interactions: Interactions) -> dict[str, Any]:
    return compare(interactions, config=CONFIG, dataset={"name": "planted"})


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["model"]: row for row in report["results"]}


def figures_of(report: dict[str, Any]) -> str:
    return json.dumps([row["metrics"] for row in report["results"]])


def test_every_model_has_its_row_and_the_report_is_plain_json(report: dict[str, Any]) -> None:
    assert [row["model"] for row in report["results"]] == list(NAMES)
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["dataset"]["name"] == "planted"


def test_ranking_figures_have_errors_and_only_models_of_likes_alone_lack_probabilities(
    report: dict[str, Any],
) -> None:
    for name, row in rows(report).items():
        for metric in ("ndcg@10", "ndcg@100", "recall@20", "recall@50", "dislikes@20"):
            assert 0 <= row["metrics"][metric]["mean"] <= 1
            assert row["metrics"][metric]["se"] is not None
        has_probability = name in {"popularity", "bias", "classic-rbm", "rbm"}
        assert ({"auc", "log_loss", "ece"} <= row["metrics"].keys()) == has_probability
        assert (row["reliability"] is not None) == has_probability


def test_personal_models_beat_popularity_where_tastes_differ(report: dict[str, Any]) -> None:
    ndcg = {name: row["metrics"]["ndcg@100"]["mean"] for name, row in rows(report).items()}
    for name in ("item-knn", "ease", "ials", "rbm"):
        assert ndcg[name] > ndcg["popularity"] + 0.05, name


def test_breakdowns_count_everybody_once(report: dict[str, Any]) -> None:
    [split] = report["protocol"]["splits"]
    for row in report["results"]:
        assert sum(group["n_users"] for group in row["by_ratings"]) == split["n_test_users"]
        likes = sum(group["n_likes"] for group in row["by_popularity"])
        assert likes == split["n_test_hidden_likes"]
        assert sum(group["n_films"] for group in row["by_popularity"]) == split["n_movies"]


def test_difference_to_the_rbm_is_paired_over_users(report: dict[str, Any]) -> None:
    by_name = rows(report)
    for name, row in by_name.items():
        if name == "rbm":
            assert "rbm_minus_this" not in row
            continue
        difference = row["rbm_minus_this"]["ndcg@100"]
        means = [by_name[m]["metrics"]["ndcg@100"]["mean"] for m in ("rbm", name)]
        assert difference["mean"] == pytest.approx(means[0] - means[1])
        assert difference["low"] < difference["mean"] < difference["high"]
        assert ("log_loss" in row["rbm_minus_this"]) == ("log_loss" in row["metrics"])


def test_figures_jump_with_the_hidden_ratings_as_input(report: dict[str, Any]) -> None:
    [test] = report["leak_test"]
    assert test["leaking"]["mean"] > 1.05 * test["honest"]["mean"]


@pytest.mark.slow
def test_the_same_call_gives_the_same_figures(interactions: Interactions) -> None:
    runs = [compare(interactions, models=QUICK, config=CONFIG, seeds=(3,)) for _ in range(2)]
    assert figures_of(runs[0]) == figures_of(runs[1])
    assert runs[0]["protocol"] == runs[1]["protocol"]


def test_several_splits_are_pooled_over_their_users(interactions: Interactions) -> None:
    pooled = compare(interactions, models=("popularity",), seeds=(0, 1))
    [row] = pooled["results"]
    n = [split["n_test_users"] for split in pooled["protocol"]["splits"]]
    means = [run["metrics"]["recall@20"]["mean"] for run in row["per_seed"]]
    assert row["metrics"]["recall@20"]["mean"] == pytest.approx(np.average(means, weights=n))
    assert [run["seed"] for run in row["per_seed"]] == [0, 1]


@pytest.mark.parametrize("name", ["ease", "bias"])
def test_the_settings_with_the_best_validation_figure_are_chosen(
    name: str, interactions: Interactions
) -> None:
    split = strong_generalisation(interactions, seed=0)
    family = families(split.training)[name]
    chosen = choose(family, split, seed=0)
    best = (min if family.criterion == "log_loss" else max)(chosen.tried, key=lambda x: x[1])
    assert chosen.settings == best[0]
    refitted = family.fit(split.refit, chosen.settings, 0)
    np.testing.assert_array_equal(
        judge(refitted, split.test)["ndcg@100"], judge(chosen.model, split.test)["ndcg@100"]
    )


def test_test_users_have_no_say_in_the_settings(interactions: Interactions) -> None:
    split = strong_generalisation(interactions, seed=0)
    swapped = replace(split, test=HeldOut(split.test.hidden, split.test.given))
    for name in ("ease", "bias"):
        family = families(split.training)[name]
        tried = [choose(family, s, seed=0).tried for s in (split, swapped)]
        assert tried[0] == tried[1]


def test_a_stage_starts_from_the_best_of_the_one_before(interactions: Interactions) -> None:
    split = strong_generalisation(interactions, seed=0)
    ease = families(split.training)["ease"]
    stages = (({"l2": 1e6, "dislikes": False}, {"l2": 10.0, "dislikes": False}),
              ({"dislikes": False}, {"dislikes": True}))  # fmt: skip
    tried = choose(Family("two stages", ease.fit, stages), split, seed=0).tried
    assert [settings["l2"] for settings, _ in tried] == [1e6, 10.0, 10.0]


def test_calibration_is_fitted_to_people_unknown_to_the_machine(
    interactions: Interactions,
) -> None:
    split = strong_generalisation(interactions, seed=0)
    family = families(split.training, CONFIG)["rbm"]
    chosen = choose(family, split, seed=0)
    hidden = split.validation.hidden
    all_liked = replace(hidden, liked=np.ones_like(hidden.liked))
    other = replace(split, validation=HeldOut(split.validation.given, all_liked))
    refitted = choose(family, other, seed=0)
    assert chosen.model.calibration != refitted.model.calibration  # type: ignore[attr-defined]
    np.testing.assert_array_equal(chosen.model.W, refitted.model.W)  # type: ignore[attr-defined]


def hidden_among_given(split: Split) -> Split:
    return replace(split, test=HeldOut(split.test.everything(), split.test.hidden))


def trained_on_test_users(split: Split) -> Split:
    return replace(split, refit=split.test.everything())


def trained_on_validation_users(split: Split) -> Split:
    return replace(split, training=split.validation.everything())


@pytest.mark.parametrize(
    "plant", [hidden_among_given, trained_on_test_users, trained_on_validation_users]
)
def test_a_planted_leak_is_caught(
    plant: Any, interactions: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaking = plant(strong_generalisation(interactions, seed=0))
    monkeypatch.setattr(comparison, "strong_generalisation", lambda *_, **__: leaking)
    with pytest.raises(LeakError, match="is given and hidden"):
        compare(interactions, models=("popularity",))


def test_a_split_by_date_trains_before_and_tests_after(columns: tuple[np.ndarray, ...]) -> None:
    report = compare(slice_by_time(*columns), models=QUICK, config=CONFIG)
    assert report["protocol"]["name"] == "temporal"
    assert report["dataset"]["n_ratings"] == len(columns[0])
    assert rows(report)["rbm"]["metrics"]["ndcg@100"]["mean"] > 0


def test_a_split_by_date_is_not_repeated(columns: tuple[np.ndarray, ...]) -> None:
    with pytest.raises(ValueError, match="several seeds"):
        compare(slice_by_time(*columns), seeds=(0, 1))


def test_an_unknown_model_is_refused_by_name(interactions: Interactions) -> None:
    with pytest.raises(ValueError, match="no model 'svd'; there are popularity, bias"):
        compare(interactions, models=("svd",))


def test_too_few_people_are_refused() -> None:
    few = Interactions.from_arrays([1, 1, 2], [1, 2, 1], [1, 1, 1])
    with pytest.raises(ValueError, match="0 validation users are too few"):
        compare(few)


def test_progress_rises_to_the_number_of_fits(interactions: Interactions) -> None:
    calls: list[tuple[str, int, int]] = []
    compare(
        interactions, models=("popularity", "ease"), seeds=(0, 1),
        progress=lambda *call: calls.append(call),
    )  # fmt: skip
    done, totals = [call[1] for call in calls], {call[2] for call in calls}
    assert done == sorted(done)
    assert totals == {done[-1]}


def test_fingerprint_tells_any_change(interactions: Interactions) -> None:
    flipped = interactions.liked.copy()
    flipped[7] ^= True
    assert fingerprint(interactions) == fingerprint(replace(interactions))
    assert fingerprint(interactions) != fingerprint(replace(interactions, liked=flipped))
    renamed = np.array([f"u{key}" for key in interactions.user_keys])
    assert fingerprint(interactions) != fingerprint(replace(interactions, user_keys=renamed))

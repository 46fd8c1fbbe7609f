"""What the documentation claims of real data, measured again; needs ml-latest-small at hand."""

import os
from pathlib import Path
from typing import Any

import pytest

from data import Interactions
from data.movielens import load
from model.comparison import compare

NAME = "ml-latest-small"
FOLDER = Path(os.environ.get("RECOMMENDER_DATASETS_DIR", "var/datasets"))
AT_HAND = any((FOLDER / name).exists() for name in (NAME, f"{NAME}.zip"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AT_HAND, reason=f"no {NAME} in {FOLDER}"),
]


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    """Results of five splits by model."""
    ratings = load(NAME, datasets_dir=FOLDER, datasets_url="https://example.invalid/").ratings
    interactions = Interactions.from_arrays(
        ratings["user"].to_numpy(), ratings["movie_id"].to_numpy(), ratings["stars"].to_numpy() >= 4
    )
    report = compare(interactions, seeds=range(5), models=("popularity", "bias", "rbm"))
    return {row["model"]: row for row in report["results"]} | {
        "leaks": report["leak_test"],
        "by_number": report["by_n_ratings"],
    }


def test_the_machine_ranks_far_better_than_popularity(rows: dict[str, Any]) -> None:
    ndcg = {name: rows[name]["metrics"]["ndcg@100"]["mean"] for name in ("rbm", "popularity")}
    assert ndcg["rbm"] > 1.6 * ndcg["popularity"]


def test_probabilities_are_frequencies_and_beat_damped_means(rows: dict[str, Any]) -> None:
    assert rows["rbm"]["metrics"]["ece"]["mean"] <= 0.03
    assert rows["bias"]["rbm_minus_this"]["log_loss"]["mean"] < 0


def test_with_few_ratings_it_is_never_below_popularity_and_soon_far_above(
    rows: dict[str, Any],
) -> None:
    ratio = {}
    for row in rows["by_number"]:
        by_name = {each["model"]: each["metrics"]["ndcg@100"]["mean"] for each in row["results"]}
        ratio[row["n"]] = by_name["rbm"] / by_name["popularity"]
    assert ratio[0] == pytest.approx(1, abs=0.005)
    assert min(ratio.values()) >= 0.995
    assert ratio[3] > 1.15
    assert ratio[10] > 1.25


def test_hidden_ratings_as_input_raise_the_figures_sharply(rows: dict[str, Any]) -> None:
    for leak in rows["leaks"]:
        assert leak["leaking"]["mean"] > 1.08 * leak["honest"]["mean"]

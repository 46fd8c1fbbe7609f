"""After a few new ratings a warm start is as good as one from scratch, in a third of the epochs."""

import os
from pathlib import Path

import numpy as np
import pytest

from data import Interactions
from data.movielens import load
from data.splitting import strong_generalisation
from model.config import Config
from model.evaluation import judge
from model.gate import METRIC, paired_bootstrap
from model.initialise import warm_config
from model.rbm import RBM
from model.training import Trainer

DATASETS_DIR = Path(
    os.environ.get("RECOMMENDER_DATASETS_DIR", Path(__file__).parents[2] / "var" / "datasets")
)
NAME = "ml-latest-small"


def fit(ratings: Interactions, config: Config, seed: int, start: RBM | None = None) -> RBM:
    trainer = Trainer(ratings, config, seed=seed, start=start)
    list(trainer.epochs())
    return trainer.rbm()


@pytest.mark.slow
@pytest.mark.skipif(not (DATASETS_DIR / NAME).exists(), reason="real MovieLens is not at hand")
def test_a_warm_start_reaches_the_quality_of_one_from_scratch_in_a_third_of_the_epochs() -> None:
    ratings = load(NAME, datasets_dir=DATASETS_DIR, datasets_url="https://127.0.0.1:9/").ratings
    everything = Interactions.from_arrays(
        ratings["user"].to_numpy(),
        ratings["movie_id"].to_numpy(),
        (ratings["stars"] >= 4).to_numpy(),
    )
    figures: dict[str, list[np.ndarray]] = {"scratch": [], "warm": [], "scratch in a third": []}
    for seed in range(3):
        split = strong_generalisation(everything, seed=seed)
        rng = np.random.default_rng(seed)
        before = split.training.select_ratings(rng.random(split.training.n_ratings) >= 0.05)
        config = Config.for_data(split.training)
        shorter = warm_config(config)
        assert shorter.n_epochs * 3 <= config.n_epochs
        short = config.model_copy(update={"n_epochs": shorter.n_epochs})
        active = fit(before, config, seed)
        models = {
            "scratch": fit(split.training, config, seed + 100),
            "warm": fit(split.training, shorter, seed + 200, start=active),
            "scratch in a third": fit(split.training, short, seed + 100),
        }
        for name, model in models.items():
            figures[name].append(judge(model, split.test)[METRIC])
    pooled = {name: np.concatenate(values) for name, values in figures.items()}

    assert paired_bootstrap(pooled["warm"], pooled["scratch"]).high >= 0, "not worse beyond chance"
    assert paired_bootstrap(pooled["warm"], pooled["scratch in a third"]).low > 0
    assert pooled["warm"].mean() > 0.98 * pooled["scratch"].mean()

"""Ranking quality on a million ratings: the RBM by the rule of its size and as searched, and EASE.

    python -m benchmarks.quality [--seed 0] [--json FILE]

Needs ml-latest-small in `RECOMMENDER_DATASETS_DIR`. Everything is chosen on validation users and
judged on test users, as in docs/evaluation.md; the ratings are those of `benchmarks.resampled`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.resampled import resampled
from benchmarks.train_data import ML_LATEST_SMALL, ml_latest_small
from data.splitting import strong_generalisation
from model.candidates import families
from model.config import Config
from model.evaluation import figures, measure
from model.refit import choose

SHOWN = ("ndcg@10", "ndcg@100", "recall@20")


def main() -> None:
    """Fit and judge each; print a row when it is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not ML_LATEST_SMALL.exists():
        sys.exit(f"{ML_LATEST_SMALL} is missing: run `recommender import ml-latest-small` once")
    data = resampled(ml_latest_small()[1], seed=options.seed)
    print(f"{data.n_users:,} users, {data.n_movies:,} movies, {data.n_ratings:,} ratings")
    split = strong_generalisation(data, seed=options.seed)
    rule = Config.for_data(split.training)
    rivals = {
        "rbm by rule": families(split.training, rule)["rbm"],
        "rbm searched": families(split.training)["rbm"],
        "ease": families(split.training)["ease"],
    }
    rows = []
    print("model         " + "".join(f"{name:>18}" for name in SHOWN) + "  search s   fit s")
    for name, family in rivals.items():
        chosen = choose(family, split, options.seed)
        judged = figures(measure(chosen.model, split.test))
        cells = "".join(f"{judged[key].mean:>10.4f} ± {judged[key].se:.4f}" for key in SHOWN)
        print(f"{name:14}{cells}{chosen.tuning_seconds:>10.0f}{chosen.fit_seconds:>8.0f}")
        sys.stdout.flush()
        metrics = {key: {"mean": judged[key].mean, "se": judged[key].se} for key in SHOWN}
        seconds = {"search_seconds": chosen.tuning_seconds, "fit_seconds": chosen.fit_seconds}
        rows.append(
            {"model": name, "settings": dict(chosen.settings), "metrics": metrics} | seconds
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()

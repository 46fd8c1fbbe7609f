"""What the first three answers of a new user are worth: most telling movies against most popular.

    python -m benchmarks.telling [--seeds 0,1,2] [--users validation] [--json FILE]

Needs ml-latest-small in `RECOMMENDER_DATASETS_DIR`. Each held-out user is shown 16 movies in their
order and answers the first three that they have rated, as they did. The likes that neither of the
two screens was told are to be found by both, among the movies that no screen was told of. The rule
was chosen on validation users; the test users are judged once.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.train_data import ML_LATEST_SMALL, ml_latest_small
from data.splitting import strong_generalisation
from model.metrics import estimate, ndcg
from model.scoring import rank, score_user
from model.telling import telling_movies
from model.training import train

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import Split
    from model.rbm import RBM

SHOWN, ANSWERS, DEPTH = 16, 3, 100

Screens = dict[str, list[int]]


def main() -> None:
    """Train one model per split, ask its held-out users, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--users", choices=("test", "validation"), default="test")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if not ML_LATEST_SMALL.exists():
        sys.exit(f"{ML_LATEST_SMALL} is missing: run `recommender import ml-latest-small` once")
    data = ml_latest_small()[1]
    found: dict[str, list[float]] = {"no answer": [], "popular": [], "telling": []}
    known: dict[str, list[int]] = {name: [] for name in found}
    for seed in map(int, options.seeds.split(",")):
        split = strong_generalisation(data, seed=seed)
        for user in _answered(split, options.users, seed, known):
            for name, value in user.items():
                found[name].append(value)
    rows = {
        name: {"ndcg@100": (e := estimate(np.array(values))).mean, "se": e.se,
               "answers": float(np.mean(known[name])), "n_users": len(values)}
        for name, values in found.items()
    }  # fmt: skip
    print(f"{'16 movies shown':16}{'answers':>9}{'NDCG@100':>18}")
    for name, row in rows.items():
        print(f"{name:16}{row['answers']:>9.2f}{row['ndcg@100']:>10.4f} ± {row['se']:.4f}")
    ratio = rows["telling"]["ndcg@100"] / rows["popular"]["ndcg@100"]
    print(f"telling / popular: {ratio:.3f} ({rows['telling']['n_users']} {options.users} users)")
    if options.json:
        options.json.write_text(json.dumps({"ratio": ratio, "results": rows}, indent=2) + "\n")


def _answered(
    split: Split, group: str, seed: int, known: dict[str, list[int]]
) -> list[dict[str, float]]:
    """NDCG@100 of each held-out user by the screen that was answered; notes the answers."""
    training = split.refit if group == "test" else split.training
    held_out = split.test if group == "test" else split.validation
    rbm, likes = train(training, seed=seed), training.movie_counts()[0]
    screens = {
        "no answer": [],
        "popular": rank(likes.astype(float), rbm.movie_ids, limit=SHOWN).tolist(),
        "telling": telling_movies(rbm, SHOWN).tolist(),
    }
    users = held_out.everything()
    results = []
    for row in range(users.n_users):
        told, judged = _judge(rbm, users, row, screens)
        if judged:
            results.append(judged)
            for name, answers in told.items():
                known[name].append(len(answers))
    return results


def _judge(
    rbm: RBM, users: Interactions, row: int, screens: Mapping[str, list[int]]
) -> tuple[Screens, dict[str, float]]:
    """Return the movies that a user answers of each screen, and NDCG@100 after it."""
    movies, liked = users.user(row)
    opinion = dict(zip(movies.tolist(), liked.tolist(), strict=True))
    told = {
        name: [movie for movie in screen if movie in opinion][:ANSWERS]
        for name, screen in screens.items()
    }
    asked = np.array(sorted({movie for answers in told.values() for movie in answers}), dtype=int)
    to_find = np.setdiff1d(movies[liked], asked)
    if not len(to_find):
        return told, {}
    return told, {
        name: _ndcg(rbm, answers, [opinion[movie] for movie in answers], asked, to_find)
        for name, answers in told.items()
    }


def _ndcg(
    rbm: RBM,
    answers: list[int],
    opinions: list[bool],
    asked: NDArray[np.integer],
    to_find: NDArray[np.integer],
) -> float:
    rows, liked = np.array(answers, dtype=np.int64), np.array(opinions, dtype=np.bool_)
    best = rank(score_user(rbm, rows, liked)[0], rbm.movie_ids, exclude=asked, limit=DEPTH)
    hits = np.isin(best, to_find)[np.newaxis]
    return float(ndcg(hits, np.array([len(to_find)]), DEPTH)[0])


if __name__ == "__main__":
    main()

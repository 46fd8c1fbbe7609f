"""Training time until the RBM ranks as well as EASE, beside the fit of EASE.

Both are judged on the test users of one split. The l2 of EASE, and whether dislikes take part, are
chosen on validation users, which costs it as many fits; so are the settings of the RBM, where there
are users enough.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from data.splitting import strong_generalisation
from model.candidates import families
from model.config import Config
from model.evaluation import judge
from model.refit import choose
from model.selection import search
from model.training import Trainer

if TYPE_CHECKING:
    from data import Interactions
    from data.splitting import HeldOut
    from model.evaluation import Scorer


def race(name: str, data: Interactions) -> dict[str, Any]:
    """Fit EASE, then train epoch by epoch and note when its NDCG@100 is reached."""
    split = strong_generalisation(data, seed=0)
    ease = choose(families(split.training)["ease"], split, 0)
    goal = _ndcg(ease.model, split.test)
    started = time.perf_counter()
    settings, _, _ = search(families(split.training)["rbm"], split.training, split.validation, 0)
    choosing = time.perf_counter() - started
    trainer = Trainer(split.refit, Config(**settings))
    epochs, seconds, curve = trainer.epochs(), 0.0, []
    for _ in range(trainer.config.n_epochs):
        started = time.perf_counter()
        next(epochs)
        seconds += time.perf_counter() - started
        curve.append({"seconds": seconds, "ndcg": _ndcg(trainer.rbm(), split.test)})
    reached = [point["seconds"] for point in curve if point["ndcg"] >= goal]
    return {
        "name": name,
        "ratings": data.n_ratings,
        "ease": {"ndcg": goal, "fit_s": ease.fit_seconds, "choosing_s": ease.tuning_seconds},
        "rbm": {
            "ndcg": curve[-1]["ndcg"],
            "choosing_s": choosing,
            "train_s": seconds,
            "settings": dict(settings),
            "reached_s": reached[0] if reached else None,
            "curve": curve,
        },
    }


def lines(result: dict[str, Any]) -> list[str]:
    """Return the result as text."""
    ease, rbm = result["ease"], result["rbm"]
    reached = rbm["reached_s"]
    when = "not reached" if reached is None else (
        f"EASE's after {reached:.1f} s, {reached / ease['fit_s']:.1f} fits of EASE"
    )  # fmt: skip
    return [
        f"NDCG@100 of test users, {result['name']}, {result['ratings']:,} ratings",
        _line("EASE", ease["ndcg"], ease["fit_s"], ease["choosing_s"]),
        _line("RBM", rbm["ndcg"], rbm["train_s"], rbm["choosing_s"]) + f"; {when}",
    ]


def _line(name: str, ndcg: float, fit: float, choosing: float) -> str:
    return f"    {name:5}{ndcg:.3f} in {fit:.2f} s, its settings chosen before in {choosing:.0f} s"


def _ndcg(model: Scorer, held_out: HeldOut) -> float:
    return float(judge(model, held_out)["ndcg@100"].mean())

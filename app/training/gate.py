"""Judges a candidate on the gate users, beside popularity and the model that is served."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.datasets.snapshot import Snapshot
from app.training.warm_start import Active
from data.splitting import Split
from model.baselines import Popularity
from model.breakdown import as_json, popularity_groups, result
from model.evaluation import Judgement, figures, measure
from model.gate import OverMovies, Verdict, judge_candidate
from model.rbm import RBM


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate says of a candidate, and the figures that it says so by.

    `results` has a row for the candidate and one for popularity.
    """

    results: list[dict[str, Any]]
    gate: dict[str, Any]
    figures: dict[str, Any]

    @property
    def passed(self) -> bool:
        """True when the candidate may be published."""
        return bool(self.gate["passed"])


def judge(rbm: RBM, split: Split, snapshot: Snapshot, active: Active) -> Judged:
    """Judge a candidate: nobody whose ratings it is judged by has been trained on."""
    judgements: dict[str, Judgement] = {
        "rbm": measure(rbm, split.test),
        "popularity": measure(Popularity.fit(split.training), split.test),
    }
    groups = popularity_groups(split.training)
    hidden, n_movies = groups[split.test.hidden.movie_rows], np.bincount(groups, minlength=3)
    results = [result(name, each, hidden, n_movies) for name, each in judgements.items()]
    obstacle = _why_not_comparable(active, snapshot)
    if active.model is not None and obstacle is None:
        over = OverMovies(active.model.rbm, rbm.movie_ids)
        judgements["active"] = measure(over, split.test)
    verdict = judge_candidate(
        rbm, judgements["rbm"], judgements["popularity"], judgements.get("active"), obstacle
    )
    return Judged(results, _gate(verdict, active, "active" in judgements), _figures(judgements))


def _why_not_comparable(active: Active, snapshot: Snapshot) -> str | None:
    if active.model is None or active.model.was_held_out_by(snapshot.holdout_salt):
        return None
    return (
        f"it cannot be compared with the active model {active.version}, which was trained on "
        "another database, maybe on the people that models are judged by here"
    )


def _gate(verdict: Verdict, active: Active, compared: bool) -> dict[str, Any]:  # noqa: FBT001
    return {**verdict.as_json(), "compared_with": active.version if compared else None}


def _figures(judgements: dict[str, Judgement]) -> dict[str, Any]:
    return {
        name: {metric: as_json(value) for metric, value in figures(judgement).items()}
        for name, judgement in judgements.items()
    }

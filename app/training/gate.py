"""Judges a candidate on the gate users, beside popularity and the model that is served."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.training.material import Groups, Origin
from app.training.warm_start import ActiveModel
from model.baselines import Popularity
from model.breakdown import as_json, popularity_groups, result
from model.by_ratings import ALL, by_n_ratings, measure_thinned
from model.evaluation import Judgement, Scorer, figures
from model.gate import FEW, OverMovies, judge_candidate, with_rare
from model.rbm import RBM


@dataclass(frozen=True, slots=True)
class GateResult:
    """The decision of the gate, and the figures that it rests on.

    `results` has a row for the candidate and one for popularity; `by_n_ratings` has these two by
    the number of ratings that the users give (`model.by_ratings`).
    """

    results: list[dict[str, Any]]
    gate: dict[str, Any]
    figures: dict[str, Any]
    by_n_ratings: list[dict[str, Any]]

    @property
    def is_published(self) -> bool:
        """False when the gate has refused the candidate."""
        return bool(self.gate["passed"] or self.gate["published_anyway"])

    @property
    def ratio(self) -> float:
        """NDCG@100 of the RBM, in times that of popularity."""
        rbm, popularity = (row["metrics"]["ndcg@100"]["mean"] for row in self.results)
        return float(rbm / popularity) if popularity else float("inf")


def judge(
    rbm: RBM,
    split: Groups,
    snapshot: Origin,
    active: ActiveModel,
    *,
    publish_anyway: bool,
) -> GateResult:
    """Judge a candidate on users that it was not trained on; `split` has rare movies too.

    Those that the candidate left out are behind all others, as the service lists them.
    """
    popularity = Popularity.fit(split.training)
    models: dict[str, Scorer] = {"rbm": with_rare(rbm, popularity), "popularity": popularity}
    judged = measure_thinned(models, split.test, salt=snapshot.holdout_salt)
    by_number = by_n_ratings(judged)
    groups = popularity_groups(split.training)
    hidden, n_movies = groups[split.test.hidden.movie_rows], np.bincount(groups, minlength=3)
    results = [result(name, each[ALL], hidden, n_movies) for name, each in judged.items()]
    obstacle = _why_not_comparable(active, snapshot)
    if active.model is not None and obstacle is None:
        over: dict[str, Scorer] = {"active": OverMovies(active.model.rbm, popularity.movie_ids)}
        judged |= measure_thinned(over, split.test, salt=snapshot.holdout_salt, numbers=FEW)
    measured = {name: each[ALL] for name, each in judged.items()}
    few = {n: {name: each[n] for name, each in judged.items()} for n in FEW}
    verdict = judge_candidate(
        rbm, measured["rbm"], measured["popularity"], measured.get("active"), obstacle, few=few
    )
    gate = {
        **verdict.as_json(),
        "compared_with": active.version if "active" in measured else None,
        "published_anyway": publish_anyway and not verdict.passed,
    }
    judgements = {name: _figures(each) for name, each in measured.items()}
    return GateResult(results, gate, judgements, by_number)


def _why_not_comparable(active: ActiveModel, snapshot: Origin) -> str | None:
    if active.model is None or active.model.was_held_out_by(snapshot.holdout_salt):
        return None
    return (
        f"it cannot be compared with the active model {active.version}, which was trained on "
        "another database, maybe on the users that models are judged by here"
    )


def _figures(judgement: Judgement) -> dict[str, Any]:
    return {metric: as_json(value) for metric, value in figures(judgement).items()}

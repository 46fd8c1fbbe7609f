"""The whole protocol: split, choose settings on validation users, refit, judge on test users.

The result is plain JSON and holds what is needed to repeat it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from data.progress import ignore_progress
from data.splitting import (
    strong_generalisation,
)
from data.temporal import TimeSlices, temporal
from model.breakdown import as_json, paired_difference, pool, popularity_groups, result
from model.by_ratings import ALL, by_n_ratings, thinned
from model.candidates import NAMES, families
from model.evaluation import figures, leak_test, measure, prove_unseen
from model.protocol import describe, protocol
from model.refit import completed, finish_all, refitted
from model.selection import Part, distinct, select

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from data.interactions import Interactions
    from data.progress import Progress
    from data.splitting import HeldOut, Split
    from model.config import Config
    from model.evaluation import Judgement, Scorer
    from model.metrics import Estimate
    from model.selection import Family, Selection

__all__ = ["compare"]

# What a report card shows of the RBM alone.
OF_RBM = ("reliability", "by_ratings", "by_popularity", "settings")


def compare(
    interactions: Interactions | TimeSlices,
    *,
    seeds: Sequence[int] = (0,),
    models: Sequence[str] | None = None,
    config: Config | None = None,
    dataset: Mapping[str, Any] | None = None,
    progress: Progress = ignore_progress,
    observe: Callable[[str, Scorer, Split], None] | None = None,
) -> dict[str, Any]:
    """Judge the RBM beside its baselines, on the same users.

    Parameters
    ----------
    interactions : Interactions or TimeSlices
        A matrix is split by users (strong generalisation), anew for each seed; `TimeSlices` are
        already split by date.
    seeds : sequence of int
        Of the splits and of the fits. The held-out users of several splits are pooled, to choose
        settings too; a user may be in those of two splits.
    models : sequence of str, optional
        Some of `NAMES`; default: all.
    config : Config, optional
        Of the RBM; default: what suits the size of the data.
    dataset : mapping, optional
        Description of the data for the result: name, checksum, like threshold ...
    progress : callable
        Called with the model, work done and work in all, in about ms of a small data set.
    observe : callable, optional
        Called with the name of each judged model, the model, and the split it was judged on.

    Returns
    -------
    dict
        JSON values: ``dataset``, ``protocol``, ``results`` (a row for each model; see
        `model.breakdown.result`), ``by_n_ratings`` where users are split (see
        `model.by_ratings.by_n_ratings`) and, with the RBM, ``leak_test`` and the parts of its row
        that its card shows. Each figure has its standard error, null where there is none.

    Raises
    ------
    LeakError
        A model was given a rating that it has to find.
    ValueError
        An unknown model, too few users, or several seeds for one split by date.
    """
    names = _known(models)
    if isinstance(interactions, TimeSlices) and len(seeds) > 1:
        raise ValueError("a split by date is one split: several seeds would repeat its users")
    runs = [_run(interactions, seed) for seed in seeds]
    known = families(runs[0].split.training, config)
    counter = _Counter(progress, sum(_cost(known[name], runs) for name in names))
    for name in names:
        counter.start(name, known[name].cost)
        _judge(known[name], runs, counter, observe)
        counter.end(_cost(known[name], runs))
    report: dict[str, Any] = {
        "dataset": {**(dataset or {}), **describe(interactions)},
        "protocol": protocol(interactions, {run.seed: run.split for run in runs}),
        "results": [_result(name, runs) for name in names],
    }
    if runs[0].by_number:
        report["by_n_ratings"] = _by_n_ratings(names, runs)
    if "rbm" in names:
        [rbm] = [row for row in report["results"] if row["model"] == "rbm"]
        report |= {key: rbm[key] for key in OF_RBM} | {"leak_test": _leak(runs)}
    return report


@dataclass(slots=True, eq=False)
class _Run:
    """One split and all models judged on it, by the number of given ratings where it has these."""

    seed: int
    split: Split
    validation: dict[str, HeldOut]
    test: dict[str, HeldOut]
    judgements: dict[str, dict[str, Judgement]] = field(default_factory=dict)
    settings: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    fits: dict[str, dict[str, Any]] = field(default_factory=dict)
    leak: tuple[Estimate, Estimate] | None = None

    @property
    def by_number(self) -> bool:
        """False for a split by date, which has no random first ratings."""
        return len(self.test) > 1


class _Counter:
    """Passes progress on, in expected milliseconds on a small data set."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total
        self._name, self._cost, self._done, self._begun = "", 0, 0, 0

    def start(self, name: str, cost: int) -> None:
        self._name, self._cost, self._begun = name, cost, self._done
        self._progress(name, self._done, self._total)

    def tick(self) -> None:
        self._done += self._cost
        self._progress(self._name, self._done, self._total)

    def end(self, cost: int) -> None:
        self._done = self._begun + cost
        self._progress(self._name, self._done, self._total)


def _cost(family: Family, runs: Sequence[_Run]) -> int:
    """Cost of all fits of a family, at most."""
    return family.cost * family.most_fits(len(runs[0].validation)) * len(runs)


def _known(models: Sequence[str] | None) -> list[str]:
    unknown = [name for name in models or () if name not in NAMES]
    if unknown:
        raise ValueError(f"there is no model {unknown[0]!r}; there are {', '.join(NAMES)}")
    return [name for name in NAMES if models is None or name in models]


def _split(interactions: Interactions | TimeSlices, seed: int) -> Split:
    if isinstance(interactions, TimeSlices):
        split = temporal(interactions)
    else:
        split = strong_generalisation(interactions, seed=seed)
    for name, held_out in (("validation", split.validation), ("test", split.test)):
        if held_out.given.n_users < 2:
            raise ValueError(f"{held_out.given.n_users} {name} users are too few: 2 are needed")
    prove_unseen(split.training, split.validation.hidden)
    prove_unseen(split.refit, split.test.hidden)
    return split


def _run(interactions: Interactions | TimeSlices, seed: int) -> _Run:
    split = _split(interactions, seed)
    if isinstance(interactions, TimeSlices):
        return _Run(seed, split, {ALL: split.validation}, {ALL: split.test})
    salt = f"seed {seed}"
    run = _Run(seed, split, thinned(split.validation, salt=salt), thinned(split.test, salt=salt))
    for n in run.test:
        prove_unseen(split.training, run.validation[n].hidden)
        prove_unseen(split.refit, run.test[n].hidden)
    return run


def _judge(
    family: Family,
    runs: Sequence[_Run],
    counter: _Counter,
    observe: Callable[[str, Scorer, Split], None] | None,
) -> None:
    """Choose the settings on all validation users, refit the best and judge them on every split."""
    parts = [Part(run.split.training, run.validation, run.seed) for run in runs]
    started = time.perf_counter()
    selection = select(family, parts, counter.tick)
    finished = finish_all(selection, parts)
    tuning_seconds = (time.perf_counter() - started) / len(runs)
    for place, run in enumerate(runs):
        tuned = finished[place] if finished else None
        best = {n: selection.best.get(n, selection.best[ALL]) for n in run.test}
        run.settings[family.name] = best
        judged: dict[str, Judgement] = {}
        for settings in distinct([best[ALL], *best.values()]):
            started = time.perf_counter()
            model = refitted(family, settings, run.split.refit, run.seed, tuned)
            if not judged:  # the settings of `ALL` come first
                fit_seconds = time.perf_counter() - started
                run.fits[family.name] = _fit(
                    family, selection, completed(settings, tuned), fit_seconds, tuning_seconds
                )
                _look(family.name, model, run, observe)
            judged |= {n: measure(model, run.test[n]) for n in best if best[n] == settings}
            counter.tick()
        run.judgements[family.name] = {n: judged[n] for n in best}


def _look(
    name: str,
    model: Scorer,
    run: _Run,
    observe: Callable[[str, Scorer, Split], None] | None,
) -> None:
    if observe is not None:
        observe(name, model, run.split)
    if name == "rbm":
        run.leak = leak_test(model, run.split.test)


def _fit(
    family: Family,
    selection: Selection,
    settings: Mapping[str, Any],
    fit_seconds: float,
    tuning_seconds: float,
) -> dict[str, Any]:
    tried = [
        {"settings": dict(each), family.criterion: found[ALL]} for each, found in selection.tried
    ]
    return {
        "settings": dict(settings),
        "fit_seconds": round(fit_seconds, 3),
        "tuning_seconds": round(tuning_seconds, 3),
        "tried": tried if len(tried) > 1 else [],
    }


def _result(name: str, runs: Sequence[_Run]) -> dict[str, Any]:
    judgement = pool([run.judgements[name][ALL] for run in runs])
    fits = [run.fits[name] for run in runs]
    groups = [popularity_groups(run.split.refit) for run in runs]
    hidden = [run.split.test.hidden.movie_rows for run in runs]
    of_hidden = [own[rows] for own, rows in zip(groups, hidden, strict=True)]
    row = {
        **result(name, judgement, np.concatenate(of_hidden), np.bincount(groups[0], minlength=3)),
        "fit_seconds": round(float(np.mean([fit["fit_seconds"] for fit in fits])), 3),
        "tuning_seconds": round(float(np.mean([fit["tuning_seconds"] for fit in fits])), 3),
        "settings": fits[0]["settings"],
        "per_seed": [
            {"seed": run.seed, **run.fits[name], "metrics": _metrics(run.judgements[name][ALL])}
            for run in runs
        ],
    }
    if "rbm" in runs[0].judgements and name != "rbm":
        rbm = pool([run.judgements["rbm"][ALL] for run in runs])
        row["rbm_minus_this"] = paired_difference(rbm, judgement)
    return row


def _by_n_ratings(names: Sequence[str], runs: Sequence[_Run]) -> list[dict[str, Any]]:
    judged = {
        name: {n: pool([run.judgements[name][n] for run in runs]) for n in runs[0].test}
        for name in names
    }
    return by_n_ratings(judged, {name: runs[0].settings[name] for name in names})


def _metrics(judgement: Judgement) -> dict[str, dict[str, float | None]]:
    return {name: as_json(value) for name, value in figures(judgement).items()}


def _leak(runs: Sequence[_Run]) -> list[dict[str, Any]]:
    """NDCG@100 of the RBM as it is, and with the hidden ratings among its inputs."""
    return [
        {"seed": run.seed, "honest": as_json(run.leak[0]), "leaking": as_json(run.leak[1])}
        for run in runs
        if run.leak is not None
    ]

"""The whole protocol: split, choose settings on validation users, refit, judge on test users.

The result is plain JSON and holds what a stranger needs to repeat it.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from data.splitting import (
    HELD_OUT_SHARE,
    HIDDEN_SHARE,
    MIN_LIKES,
    strong_generalisation,
)
from data.temporal import TimeSlices, temporal
from model.breakdown import as_json, paired_difference, pool, popularity_groups, result
from model.candidates import NAMES, choose, families
from model.evaluation import figures, leak_test, measure, prove_unseen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import Split
    from model.candidates import Chosen
    from model.config import Config
    from model.evaluation import Judgement, Scorer
    from model.metrics import Estimate

__all__ = ["Progress", "compare", "fingerprint"]

# (what is being fitted, fits done, fits in all)
Progress = Callable[[str, int, int], None]
# What a report card shows of the RBM alone.
OF_RBM = ("reliability", "by_ratings", "by_popularity", "settings")
LIBRARIES = ("recommender", "numpy", "scipy", "numba")


def compare(
    interactions: Interactions | TimeSlices,
    *,
    seeds: Sequence[int] = (0,),
    models: Sequence[str] | None = None,
    config: Config | None = None,
    dataset: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    observe: Callable[[str, Scorer, Split], None] | None = None,
) -> dict[str, Any]:
    """Judge the RBM beside its baselines, on the same people.

    Parameters
    ----------
    interactions : Interactions or TimeSlices
        A matrix is split by people (strong generalisation), anew for each seed; `TimeSlices` are
        already split by date.
    seeds : sequence of int
        Of the splits and of the fits. The held-out users of several splits are pooled; somebody
        may be among those of two splits.
    models : sequence of str, optional
        Some of `NAMES`; default: all.
    config : Config, optional
        Of the RBM; default: what suits the size of the data.
    dataset : mapping, optional
        What to say of the data in the result: name, checksum, like threshold ...
    progress : callable, optional
        Called before each fit and at the end with what is fitted, fits done, fits in all.
    observe : callable, optional
        Called with the name of each judged model, the model, and the split it was judged on.

    Returns
    -------
    dict
        JSON values: ``dataset``, ``protocol``, ``results`` (a row for each model; see
        `model.breakdown.result`) and, with the RBM, ``leak_test`` and the parts of its row that
        its card shows. Each figure has its standard error, null where there is none.

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
    runs = []
    for n, seed in enumerate(seeds):
        split = _split(interactions, seed)
        counter = _Counter(progress, n, len(seeds))
        runs.append(_run(split, names, seed, config, counter, observe))
    report: dict[str, Any] = {
        "dataset": {**(dataset or {}), **_describe(interactions)},
        "protocol": _protocol(interactions, runs),
        "results": [_result(name, runs) for name in names],
    }
    if "rbm" in names:
        [rbm] = [row for row in report["results"] if row["model"] == "rbm"]
        report |= {key: rbm[key] for key in OF_RBM} | {"leak_test": _leak(runs)}
    return report


def fingerprint(interactions: Interactions) -> str:
    """SHA-256 of all users, movies, likes and dislikes, in their order."""
    digest = hashlib.sha256("\n".join(map(str, interactions.user_keys.tolist())).encode())
    for array, dtype in (
        (interactions.indptr, "<i8"),
        (interactions.movie_ids, "<i8"),
        (interactions.movie_rows, "<i4"),
        (interactions.liked, "?"),
    ):
        digest.update(np.ascontiguousarray(array, dtype=dtype).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Run:
    """One split, all models judged on it."""

    seed: int
    split: dict[str, Any]
    groups: NDArray[np.int64]
    group_sizes: NDArray[np.int64]
    judgements: dict[str, Judgement]
    fits: dict[str, dict[str, Any]]
    leak: tuple[Estimate, Estimate] | None


class _Counter:
    """Passes progress on: the splits have the same number of fits each."""

    def __init__(self, progress: Progress | None, run: int, n_runs: int) -> None:
        self._progress, self._run, self._n_runs = progress, run, n_runs
        self._done, self._fits = 0, 0

    def start(self, n_fits: int) -> None:
        self._fits = n_fits

    def tick(self, name: str, fits: int = 0) -> None:
        self._done += fits
        if self._progress is not None:
            total = self._n_runs * self._fits
            self._progress(name, self._run * self._fits + self._done, total)


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


def _run(
    split: Split,
    names: Sequence[str],
    seed: int,
    config: Config | None,
    counter: _Counter,
    observe: Callable[[str, Scorer, Split], None] | None,
) -> _Run:
    known = families(split.training, config)
    counter.start(sum(known[name].n_fits for name in names))
    judgements, fits, leak = {}, {}, None
    for name in names:
        counter.tick(name)
        chosen = choose(known[name], split, seed, on_fit=partial(counter.tick, name, 1))
        judgements[name] = measure(chosen.model, split.test)
        fits[name] = _fit(chosen, known[name].criterion)
        if observe is not None:
            observe(name, chosen.model, split)
        if name == "rbm":
            leak = leak_test(chosen.model, split.test)
    of_movies = popularity_groups(split.refit)
    groups, group_sizes = (
        of_movies[split.test.hidden.movie_rows],
        np.bincount(of_movies, minlength=3),
    )
    return _Run(seed, _split_in_numbers(split), groups, group_sizes, judgements, fits, leak)


def _fit(chosen: Chosen, criterion: str) -> dict[str, Any]:
    tried = [{"settings": dict(settings), criterion: value} for settings, value in chosen.tried]
    return {
        "settings": dict(chosen.settings),
        "fit_seconds": round(chosen.fit_seconds, 3),
        "tuning_seconds": round(chosen.tuning_seconds, 3),
        "tried": tried if len(tried) > 1 else [],
    }


def _split_in_numbers(split: Split) -> dict[str, Any]:
    return {
        "n_movies": split.training.n_movies,
        "n_training_users": split.training.n_users,
        "n_validation_users": split.validation.given.n_users,
        "n_test_users": split.test.given.n_users,
        "n_test_given": split.test.given.n_ratings,
        "n_test_hidden_likes": int(split.test.hidden.liked.sum()),
        "n_test_hidden_dislikes": int((~split.test.hidden.liked).sum()),
        "sha256": {
            "training": fingerprint(split.training),
            "test_given": fingerprint(split.test.given),
            "test_hidden": fingerprint(split.test.hidden),
        },
    }


def _describe(interactions: Interactions | TimeSlices) -> dict[str, Any]:
    if isinstance(interactions, TimeSlices):
        slices = (interactions.training, interactions.validation, interactions.test)
        return {
            "n_ratings": sum(part.n_ratings for part in slices),
            "n_likes": sum(int(part.liked.sum()) for part in slices),
            "fingerprint": [fingerprint(part) for part in slices],
        }
    return {
        "n_users": interactions.n_users,
        "n_movies": interactions.n_movies,
        "n_ratings": interactions.n_ratings,
        "n_likes": int(interactions.liked.sum()),
        "fingerprint": fingerprint(interactions),
    }


def _protocol(interactions: Interactions | TimeSlices, runs: Sequence[_Run]) -> dict[str, Any]:
    if isinstance(interactions, TimeSlices):
        rule: dict[str, Any] = {
            "name": "temporal",
            "given": "what a user rated before the last period",
            "hidden": "what they rated within it",
        }
    else:
        rule = {
            "name": "strong",
            "min_likes": MIN_LIKES,
            "held_out_share": HELD_OUT_SHARE,
            "hidden_share": HIDDEN_SHARE,
        }
    return {
        **rule,
        "seeds": [run.seed for run in runs],
        "splits": [run.split for run in runs],
        "catalogue": "the movies rated in training, without those given",
        "settings_chosen_on": "validation users, then refitted on training and validation",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in LIBRARIES},
        "cpus": os.cpu_count(),
    }


def _result(name: str, runs: Sequence[_Run]) -> dict[str, Any]:
    judgement = pool([run.judgements[name] for run in runs])
    fits = [run.fits[name] for run in runs]
    groups = np.concatenate([run.groups for run in runs])
    row = {
        **result(name, judgement, groups, runs[0].group_sizes),
        "fit_seconds": round(float(np.mean([fit["fit_seconds"] for fit in fits])), 3),
        "tuning_seconds": round(float(np.mean([fit["tuning_seconds"] for fit in fits])), 3),
        "settings": fits[0]["settings"],
        "per_seed": [
            {"seed": run.seed, **run.fits[name], "metrics": _metrics(run.judgements[name])}
            for run in runs
        ],
    }
    if "rbm" in runs[0].judgements and name != "rbm":
        rbm = pool([run.judgements["rbm"] for run in runs])
        row["rbm_minus_this"] = paired_difference(rbm, judgement)
    return row


def _metrics(judgement: Judgement) -> dict[str, dict[str, float | None]]:
    return {name: as_json(value) for name, value in figures(judgement).items()}


def _leak(runs: Sequence[_Run]) -> list[dict[str, Any]]:
    """NDCG@100 of the RBM as it is, and with the hidden ratings among its inputs."""
    return [
        {"seed": run.seed, "honest": as_json(run.leak[0]), "leaking": as_json(run.leak[1])}
        for run in runs
        if run.leak is not None
    ]

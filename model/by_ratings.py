"""Judge models by the number of ratings that they are given: where new users are.

Each held-out user gives the first n of all ratings in a random order, and all other likes are to be
found; `ALL` is the protocol as it is, with a fifth of the ratings hidden. P(like | seen) is judged
on all hidden ratings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from data.splitting import first_ratings, random_users
from model.breakdown import as_json, paired_difference
from model.evaluation import figures, measure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.splitting import HeldOut
    from model.evaluation import Judgement, Scorer

__all__ = ["ALL", "NUMBERS", "by_n_ratings", "measure_thinned", "thinned"]

# Ratings given, as keys; the users of a product have mostly few.
NUMBERS = ("0", "1", "2", "3", "5", "10", "20", "40")
ALL = "all"
# Users judged at each number but ALL: standard errors are then about .005.
MAX_USERS = 2_000
METRICS = ("ndcg@100", "recall@20", "log_loss", "ece")


def thinned(
    held_out: HeldOut, *, salt: str, numbers: Sequence[str] = NUMBERS
) -> dict[str, HeldOut]:
    """Give the first ratings of each user, for each number; `ALL` is `held_out` itself.

    Parameters
    ----------
    held_out : HeldOut
    salt : str
        Fixes the order of each user's ratings; see `data.splitting.random_places`.
    numbers : sequence of str

    Returns
    -------
    dict of HeldOut
        By the number of given ratings, rising, `ALL` last. Without users who have no other like;
        with many users, of 2,000 of them.
    """
    few = random_users(held_out, MAX_USERS, salt=salt)
    return {n: first_ratings(few, int(n), salt=salt) for n in numbers} | {ALL: held_out}


def measure_thinned(
    models: Mapping[str, Scorer],
    held_out: HeldOut,
    *,
    salt: str,
    numbers: Sequence[str] = NUMBERS,
) -> dict[str, dict[str, Judgement]]:
    """Judge models for each number of given ratings, `ALL` included; see `thinned`.

    Returns
    -------
    dict of dict of Judgement
        By the model's name, then by the number of given ratings.
    """
    users = thinned(held_out, salt=salt, numbers=numbers)
    return {
        name: {n: measure(model, given) for n, given in users.items()}
        for name, model in models.items()
    }


def by_n_ratings(
    judged: Mapping[str, Mapping[str, Judgement]],
    settings: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    own: str = "rbm",
) -> list[dict[str, Any]]:
    """Figures of every model for each number of given ratings, as JSON values.

    Parameters
    ----------
    judged : mapping
        Judgements by the model's name, then by the number of given ratings.
    settings : mapping, optional
        Of each model, by the same keys.
    own : str
        The model that the others are compared with.

    Returns
    -------
    list of dict
        For each number that some user has: ``n`` (an int, or "all"), ``n_users``, ``results``
        (``model``, ``metrics`` and, where given, ``settings``; ``rbm_minus_this`` beside the own
        model), and
        where the own model is among several: ``best_peer`` by NDCG@100 and ``ratio`` to it.
    """
    some = next(iter(judged.values()), {})
    return [
        _at(n, {name: each[n] for name, each in judged.items()}, settings, own)
        for n in some
        if len(some[n].n_given)
    ]


def _at(
    n: str,
    judged: Mapping[str, Judgement],
    settings: Mapping[str, Mapping[str, Mapping[str, Any]]] | None,
    own: str,
) -> dict[str, Any]:
    results = []
    for name, judgement in judged.items():
        known = figures(judgement)
        row: dict[str, Any] = {
            "model": name,
            "metrics": {metric: as_json(known[metric]) for metric in METRICS if metric in known},
        }
        if settings is not None:
            row["settings"] = dict(settings[name][n])
        if own in judged and name != own:
            difference = paired_difference(judged[own], judgement)
            row["rbm_minus_this"] = {m: difference[m] for m in METRICS if m in difference}
        results.append(row)
    first = next(iter(judged.values()))
    number: int | str = n if n == ALL else int(n)
    return {
        "n": number, "n_users": len(first.n_given), "results": results, **_best_peer(results, own)
    }  # fmt: skip


def _best_peer(results: Sequence[Mapping[str, Any]], own: str) -> dict[str, Any]:
    """Name the best other model by NDCG@100, and the own model's in times it."""
    ndcg = {row["model"]: row["metrics"]["ndcg@100"]["mean"] for row in results}
    mine = ndcg.pop(own, None)
    known = {name: value for name, value in ndcg.items() if value is not None}
    if mine is None or not known:
        return {}
    best = max(known, key=lambda name: known[name])
    return {"best_peer": best, "ratio": mine / known[best] if known[best] else None}

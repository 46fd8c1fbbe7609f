"""One model's row of the result: its figures, also by group of users and of movies."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from model.evaluation import figures
from model.metrics import Estimate, clustered, estimate, log_loss, reliability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.totals import Totals
    from model.evaluation import Judgement

__all__ = [
    "POPULARITY_GROUPS",
    "as_json",
    "by_popularity",
    "by_ratings",
    "paired_difference",
    "pool",
    "popularity_groups",
    "reliability_curve",
    "result",
]

# Movies with the first, the second and the last third of the likes in training.
POPULARITY_GROUPS = ("popular", "middle", "rare")
# Normal quantile of a 95 % interval: held-out users are a hundred and more.
Z95 = 1.959964


def as_json(value: Estimate) -> dict[str, float | None]:
    """Return mean and standard error, null where there is none."""
    return {
        name: None if np.isnan(number) else float(number)
        for name, number in value._asdict().items()
    }


def result(
    model: str,
    judgement: Judgement,
    groups: NDArray[np.integer],
    n_movies: NDArray[np.integer],
) -> dict[str, Any]:
    """All figures of a model on its held-out users, as JSON values.

    Parameters
    ----------
    model : str
        Its name.
    judgement : Judgement
    groups, n_movies
        As in `by_popularity`.
    """
    return {
        "model": model,
        "metrics": {name: as_json(value) for name, value in figures(judgement).items()},
        "reliability": reliability_curve(judgement),
        "by_ratings": by_ratings(judgement),
        "by_popularity": by_popularity(judgement, groups, n_movies),
    }


def pool(judgements: Sequence[Judgement]) -> Judgement:
    """Put the held-out users of several splits together; coverage becomes a mean."""
    first = judgements[0]
    n_users = np.array([len(judgement.n_given) for judgement in judgements])
    offsets = np.concatenate(([0], np.cumsum(n_users)[:-1]))
    probabilities = [j.probabilities for j in judgements if j.probabilities is not None]
    return replace(
        first,
        per_user={
            name: np.concatenate([j.per_user[name] for j in judgements]) for name in first.per_user
        },
        n_given=np.concatenate([j.n_given for j in judgements]),
        users=np.concatenate([j.users + o for j, o in zip(judgements, offsets, strict=True)]),
        liked=np.concatenate([j.liked for j in judgements]),
        places=np.concatenate([j.places for j in judgements]),
        probabilities=np.concatenate(probabilities) if probabilities else None,
        coverage=float(np.mean([j.coverage for j in judgements])),
    )


def by_ratings(judgement: Judgement, n_groups: int = 4) -> list[dict[str, Any]]:
    """NDCG@100 and Recall@20 of users from cold to heavy, in groups of about the same number."""
    n_given = judgement.n_given
    edges = np.unique(np.quantile(n_given, np.linspace(0, 1, n_groups + 1), method="lower"))
    group = np.searchsorted(edges[1:-1], n_given, side="right")
    return [
        {
            "label": f"{n_given[members].min()}–{n_given[members].max()}",
            "n_users": int(members.sum()),
            **{
                name: as_json(estimate(judgement.per_user[name][members]))
                for name in ("ndcg@100", "recall@20")
            },
        }
        for members in (group == g for g in np.unique(group))
    ]


def popularity_groups(training: Interactions | Totals) -> NDArray[np.int64]:
    """Group of each movie, a position in `POPULARITY_GROUPS`; shape (n_movies,)."""
    likes, _ = training.movie_counts()
    order = np.lexsort((training.movie_ids, -likes))
    before = np.cumsum(likes[order]) - likes[order]
    groups = np.empty(len(likes), dtype=np.int64)
    groups[order] = np.minimum(before * 3 // max(int(likes.sum()), 1), 2)
    return groups


def by_popularity(
    judgement: Judgement, groups: NDArray[np.integer], n_movies: NDArray[np.integer]
) -> list[dict[str, Any]]:
    """Share of the hidden likes found among their user's first 20 and 100, by movie popularity.

    Of all likes of a group together: many users have none of a rare movie.

    Parameters
    ----------
    judgement : Judgement
    groups : int array, shape (n_hidden,)
        Group of the movie of each hidden rating.
    n_movies : int array, shape (3,)
        Movies in each group.
    """
    rows = []
    for group, name in enumerate(POPULARITY_GROUPS):
        likes = judgement.liked & (groups == group)
        places, users = judgement.places[likes], judgement.users[likes]
        found = {f"recall@{k}": as_json(clustered(places < k, users)) for k in (20, 100)}
        sizes = {"n_films": int(n_movies[group]), "n_likes": int(likes.sum())}
        rows.append({"label": name, **sizes, **found})
    return rows


def reliability_curve(judgement: Judgement) -> list[dict[str, float]] | None:
    """Mean P(like | seen), share of likes and number of the hidden ratings in each of 10 bins."""
    if judgement.probabilities is None:
        return None
    bins = reliability(judgement.probabilities, judgement.liked)
    return [
        {"predicted": float(p), "observed": float(o), "n": int(n)}
        for p, o, n in zip(*bins, strict=True)
    ]


def paired_difference(one: Judgement, other: Judgement) -> dict[str, dict[str, float | None]]:
    """`one` less `other`, user by user, with a 95 % interval of the mean.

    Of the ranking metrics, and of the log-loss where both have a P(like | seen).
    """
    means = {name: estimate(own - other.per_user[name]) for name, own in one.per_user.items()}
    if one.probabilities is not None and other.probabilities is not None:
        losses = [log_loss(np.asarray(j.probabilities), j.liked) for j in (one, other)]
        means["log_loss"] = clustered(losses[0] - losses[1], one.users)
    differences = {}
    for name, (mean, se) in means.items():
        interval = Estimate(mean - Z95 * se, mean + Z95 * se)
        low, high = (None if np.isnan(end) else float(end) for end in interval)
        differences[name] = {**as_json(means[name]), "low": low, "high": high}
    return differences

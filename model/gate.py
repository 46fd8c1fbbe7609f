"""The gate: whether a newly trained machine may replace the active one.

A candidate passes when its parameters are finite and sane, when it ranks better than popularity,
and when it does not rank worse than the active machine, beyond chance. All are judged on the same
gate users over the candidate's movies; the hidden likes of each are the same for all.

Chance is measured by the paired bootstrap: the gate users are resampled with replacement, and the
mean difference of their NDCG@100 is computed each time. The middle 90 % of those means are the
interval, so that a candidate as good as the active machine is refused one time in twenty.

New users have few ratings, so the gate looks at users who give only their first 3 or 10 ratings,
too: there a candidate is refused that ranks worse than popularity or than the active machine. These
intervals are wider, the middle 98 %, so that looking three times refuses few good candidates.

References
----------
.. [1] B. Efron, R. Tibshirani. An Introduction to the Bootstrap. 1993. Chapter 13 (percentiles).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from model.fold_in import Given
from model.sanity import insane_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from model.baselines import Popularity
    from model.evaluation import Judgement, Scorer
    from model.rbm import RBM

__all__ = [
    "FEW",
    "METRIC",
    "Difference",
    "OverMovies",
    "Verdict",
    "judge_candidate",
    "paired_bootstrap",
    "with_rare",
]

METRIC = "ndcg@100"
N_RESAMPLES = 2_000
LEVEL = 0.05  # in each tail
LEVEL_FEW = 0.01  # in each tail, for users with few ratings
# Given ratings that the gate judges at, beside all; keys of `model.by_ratings.thinned`.
FEW = ("3", "10")
RIVALS = {"popularity": "popularity", "active": "the active model"}
# Draws in memory at one time: 8 MB.
DRAWS_AT_ONCE = 1_000_000


class Difference(NamedTuple):
    """A mean difference over users, and the middle 90 % (or 98 %) of its bootstrap means."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of the gate.

    Parameters
    ----------
    reasons : tuple of str
        Why the candidate is refused, as text; empty when it passes.
    differences : dict
        NDCG@100 of the candidate less that of each rival, by the rival's name.
    few : dict of dict
        The same by the number of given ratings, for those of `FEW` that were judged.
    """

    reasons: tuple[str, ...]
    differences: dict[str, Difference]
    few: dict[str, dict[str, Difference]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """True when there is no reason to refuse the candidate."""
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "passed": self.passed,
            "reasons": list(self.reasons),
            "metric": METRIC,
            "differences": _as_json(self.differences),
            "resamples": N_RESAMPLES,
            "level": LEVEL,
            "by_n_ratings": [
                {"n": int(n), "level": LEVEL_FEW, "differences": _as_json(differences)}
                for n, differences in self.few.items()
            ],
        }


class OverMovies:
    """A model over the movies of another one; movies unknown to it come last.

    Parameters
    ----------
    rbm : RBM
    movie_ids : int64 array, shape (n_movies,)
        The movies to score.
    like_given_seen : float32 array, shape (n_movies,), optional
        P(like | seen) of the unknown movies, so that it is judged too.
    """

    def __init__(
        self,
        rbm: RBM,
        movie_ids: NDArray[np.int64],
        like_given_seen: NDArray[np.float32] | None = None,
    ) -> None:
        self._rbm = rbm
        self._like_given_seen = like_given_seen
        self._movie_ids = movie_ids
        _, rows, own_rows = np.intersect1d(
            movie_ids, rbm.movie_ids, assume_unique=True, return_indices=True
        )
        self._rows, self._own_rows = rows, own_rows
        self._own_row = np.full(len(movie_ids), -1)
        self._own_row[rows] = own_rows

    @property
    def movie_ids(self) -> NDArray[np.int64]:
        """Movies that are scored, shape (n_movies,)."""
        return self._movie_ids

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Scores of the model from the ratings of movies it knows; -inf for unknown movies."""
        own = self._own(Given(movie_rows, liked))
        return self._over_all(*self._rbm.score_user(own.movie_rows, own.liked))

    def score_users(
        self, users: Sequence[Given]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
        """Yield both of each user."""
        for scores in self._rbm.score_users([self._own(user) for user in users]):
            yield self._over_all(*scores)

    def _own(self, user: Given) -> Given:
        """Return the ratings of movies that the model knows."""
        rows = self._own_row[user.movie_rows]
        return Given(rows[rows >= 0], user.liked[rows >= 0])

    def _over_all(
        self, scores: NDArray[np.float32], given_seen: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        result = np.full(len(self._movie_ids), -np.inf, dtype=np.float32)
        result[self._rows] = scores[self._own_rows]
        if self._like_given_seen is None:
            return result, None
        probabilities = self._like_given_seen.copy()
        probabilities[self._rows] = given_seen[self._own_rows]
        return result, probabilities


def with_rare(rbm: RBM, popularity: Popularity) -> Scorer:
    """Return a machine over all movies; those that it left out come last, as in lists.

    Parameters
    ----------
    rbm : RBM
    popularity : Popularity
        Of all movies, which has P(like | seen) of those that were left out.
    """
    if np.array_equal(rbm.movie_ids, popularity.movie_ids):
        return rbm
    return OverMovies(rbm, popularity.movie_ids, popularity.like_given_seen)


def judge_candidate(
    candidate: RBM,
    judgement: Judgement,
    popularity: Judgement,
    active: Judgement | None,
    obstacle: str | None = None,
    *,
    few: Mapping[str, Mapping[str, Judgement]] | None = None,
) -> Verdict:
    """Say whether a candidate may be published.

    Parameters
    ----------
    candidate : RBM
    judgement, popularity, active : Judgement
        Of the candidate, of popularity and of the active machine (`OverMovies` of the candidate) on
        the same gate users; None where no machine is active.
    obstacle : str, optional
        Why the two machines cannot be compared; the candidate is then refused.
    few : mapping, optional
        Judgements ``rbm`` (the candidate), ``popularity`` and, where one is active, ``active``, by
        the number of given ratings. Numbers that fewer than 2 users have are left out.
    """
    reasons = [f"its parameter {name}" for name in insane_parameters(candidate)]
    differences = {"popularity": _difference(judgement, popularity)}
    if not differences["popularity"].low > 0:
        reasons.append(
            f"it is not better than popularity beyond chance: {_words(differences['popularity'])}"
        )
    if obstacle is not None:
        reasons.append(obstacle)
    if active is not None:
        differences["active"] = _difference(judgement, active)
        if not differences["active"].high >= 0:
            reasons.append(
                f"it is worse than the active model beyond chance: {_words(differences['active'])}"
            )
    of_few = {n: _of_few(judged) for n, judged in (few or {}).items() if _enough(judged)}
    reasons += [
        f"with {n} ratings it is worse than {RIVALS[rival]} beyond chance: "
        f"{_words(difference, LEVEL_FEW)}"
        for n, rivals in of_few.items()
        for rival, difference in rivals.items()
        if not difference.high >= 0
    ]
    return Verdict(tuple(reasons), differences, of_few)


def paired_bootstrap(
    one: NDArray[np.floating],
    other: NDArray[np.floating],
    *,
    seed: int = 0,
    level: float = LEVEL,
) -> Difference:
    """Mean of ``one - other`` over users, and its bootstrap interval.

    Parameters
    ----------
    one, other : arrays, shape (n_users,)
        A metric of the same users.
    seed : int
        Of the draws: the same figures give the same interval.
    level : float
        Share of the bootstrap means beyond each end of the interval.
    """
    differences = np.asarray(one, dtype=np.float64) - other
    n = len(differences)
    rng = np.random.default_rng(seed)
    means = np.empty(N_RESAMPLES)
    step = max(DRAWS_AT_ONCE // n, 1)
    for begin in range(0, N_RESAMPLES, step):
        end = min(begin + step, N_RESAMPLES)
        means[begin:end] = differences[rng.integers(n, size=(end - begin, n))].mean(axis=1)
    low, high = np.quantile(means, (level, 1 - level))
    return Difference(float(differences.mean()), float(low), float(high))


def _enough(judged: Mapping[str, Judgement]) -> bool:
    return len(judged["rbm"].per_user[METRIC]) > 1


def _of_few(judged: Mapping[str, Judgement]) -> dict[str, Difference]:
    """NDCG@100 of the candidate less that of each rival, with the wider interval."""
    own = judged["rbm"].per_user[METRIC]
    return {
        name: paired_bootstrap(own, rival.per_user[METRIC], level=LEVEL_FEW)
        for name, rival in judged.items()
        if name in RIVALS
    }


def _as_json(differences: Mapping[str, Difference]) -> dict[str, dict[str, float]]:
    return {name: each._asdict() for name, each in differences.items()}


def _difference(one: Judgement, other: Judgement) -> Difference:
    return paired_bootstrap(one.per_user[METRIC], other.per_user[METRIC])


def _words(difference: Difference, level: float = LEVEL) -> str:
    mean, low, high = difference
    middle = f"{1 - 2 * level:.0%}".replace("%", " %")
    return f"{METRIC.upper()} {mean:+.3f} ({middle} of bootstrap means: {low:+.3f} to {high:+.3f})"

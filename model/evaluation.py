"""Judge a model on held-out users: rank the full catalogue, find the hidden likes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from model.fold_in import Given
from model.metrics import (
    Estimate,
    auc,
    calibration_error,
    clustered,
    coverage,
    estimate,
    log_loss,
    ndcg,
    recall,
    reliability,
    share_of_places,
)
from model.scoring import rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import HeldOut

__all__ = [
    "DEPTH",
    "Judgement",
    "LeakError",
    "ManyScorer",
    "Scorer",
    "figures",
    "judge",
    "leak_test",
    "measure",
    "prove_unseen",
    "summarise",
]

# Places of the ranking that the metrics use.
DEPTH = 100
# Users who are scored together: as many as take 16 MB, and so many that the weights are not read
# for each, nor more than make it faster.
SCORES_AT_ONCE, MIN_AT_ONCE, MAX_AT_ONCE = 2_000_000, 16, 64
RANKING_METRICS = ("ndcg@10", "ndcg@100", "recall@20", "recall@50")


class Scorer(Protocol):
    """A model that can be judged: the RBM and every baseline."""

    @property
    def movie_ids(self) -> NDArray[np.int64]:
        """Movies that are scored, shape (n_movies,)."""

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Scores, which rank, and P(like | seen), each of shape (n_movies,).

        The second is None for a model without such a probability.
        """


@runtime_checkable
class ManyScorer(Scorer, Protocol):
    """A model that scores several users in less time than one after the other."""

    def score_users(
        self, users: Sequence[Given]
    ) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
        """Yield what `score_user` returns for each user, but for the last bits."""


class LeakError(AssertionError):
    """A hidden rating was given to the model; every figure would be worthless."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Results of a model for each held-out user; `figures` summarises them.

    Parameters
    ----------
    per_user : dict of float64 arrays, shape (n_users,)
        Ranking metrics and ``dislikes@20``, the share of the first 20 places that go to hidden
        dislikes.
    n_given : int array, shape (n_users,)
        Ratings given to the model.
    users : int32 array, shape (n_hidden,)
        User of each hidden rating.
    liked : bool array, shape (n_hidden,)
    places : int32 array, shape (n_hidden,)
        Place of the movie in its user's ranking, from 0; 100 beyond the first 100.
    probabilities : float32 array, shape (n_hidden,), or None
        P(like | seen) of each hidden rating.
    coverage : float
        Share of the catalogue that is among the first 20 of any user.
    """

    per_user: dict[str, NDArray[np.float64]]
    n_given: NDArray[np.int64]
    users: NDArray[np.int32]
    liked: NDArray[np.bool_]
    places: NDArray[np.int32]
    probabilities: NDArray[np.float32] | None
    coverage: float


def judge(model: Scorer, held_out: HeldOut) -> dict[str, NDArray[np.float64]]:
    """Return the ranking metrics of every held-out user; see `measure`.

    Returns
    -------
    dict of float64 arrays, shape (n_users,)
        ``ndcg@10``, ``ndcg@100``, ``recall@20`` and ``recall@50``.
    """
    per_user = measure(model, held_out).per_user
    return {name: per_user[name] for name in RANKING_METRICS}


def measure(model: Scorer, held_out: HeldOut) -> Judgement:
    """Score users as the service does, but for the last bits, and compare with the hidden ratings.

    Parameters
    ----------
    model : Scorer
    held_out : HeldOut
        With ``weights`` only for a model whose ``score_user`` takes ``weights=``.

    Returns
    -------
    Judgement

    Raises
    ------
    LeakError
        A hidden rating is among the given ones.
    ValueError
        The model's movies are not those of the held-out users.
    """
    prove_unseen(held_out.given, held_out.hidden)
    return _measure(model, held_out.given, held_out)


def leak_test(model: Scorer, held_out: HeldOut) -> tuple[Estimate, Estimate]:
    """NDCG@100 as it is, and with the hidden ratings among the inputs.

    Only the given movies are left out of both rankings. An honest evaluation lies well below the
    second figure; one that equals it was given the hidden ratings.

    Parameters
    ----------
    model : Scorer
    held_out : HeldOut

    Returns
    -------
    honest, leaking : Estimate
    """
    honest = measure(model, held_out)
    leaking = _measure(model, held_out.everything(), held_out)
    return estimate(honest.per_user["ndcg@100"]), estimate(leaking.per_user["ndcg@100"])


def prove_unseen(seen: Interactions, hidden: Interactions) -> None:
    """Raise `LeakError` if a pair of user and movie in `hidden` is in `seen`.

    Parameters
    ----------
    seen, hidden : Interactions
        Over the same movies; users are identified by their keys.
    """
    _, in_seen, in_hidden = np.intersect1d(seen.user_keys, hidden.user_keys, return_indices=True)
    row = np.full(seen.n_users, -1, dtype=np.int32)
    row[in_seen] = in_hidden
    users = np.repeat(row, seen.ratings_per_user)
    inputs = _pairs(users[users >= 0], seen.movie_rows[users >= 0], seen.n_movies)
    inputs.sort()  # to be searched in a third of the memory that `isin` takes
    wanted = _pairs(hidden.user_rows, hidden.movie_rows, hidden.n_movies)
    places = np.searchsorted(inputs, wanted)
    leaked = np.append(inputs, -1)[places] == wanted
    if leaked.any():
        at = int(np.flatnonzero(leaked)[0])
        raise LeakError(
            f"user {hidden.user_keys[hidden.user_rows[at]]}: "
            f"movie {hidden.movie_ids[hidden.movie_rows[at]]} is given and hidden"
        )


def figures(judgement: Judgement) -> dict[str, Estimate]:
    """Every figure with its standard error over users; not a number where there is none.

    The ranking metrics and ``dislikes@20`` are means over users, ``auc``, ``log_loss`` and ``ece``
    are of the hidden ratings of all users together, ``coverage`` is of all first 20 places.
    """
    result = summarise(judgement.per_user)
    result["coverage"] = Estimate(judgement.coverage, float("nan"))
    p, liked, users = judgement.probabilities, judgement.liked, judgement.users
    if p is not None:
        result["auc"] = auc(p, liked, users)
        result["log_loss"] = clustered(log_loss(p, liked), users)
        result["ece"] = Estimate(calibration_error(reliability(p, liked)), float("nan"))
    return result


def summarise(per_user: Mapping[str, NDArray[np.float64]]) -> dict[str, Estimate]:
    """Mean and standard error over users of each metric."""
    return {name: estimate(values) for name, values in per_user.items()}


@cache
def _libraries() -> ThreadpoolController:
    """Return the libraries with threads; finding them takes as long as ranking 20 users."""
    return ThreadpoolController()


def _measure(model: Scorer, inputs: Interactions, held_out: HeldOut) -> Judgement:
    given, hidden = held_out.given, held_out.hidden
    if not np.array_equal(model.movie_ids, given.movie_ids):
        raise ValueError("the model ranks other movies than the held-out users have")
    # The products are too small for several threads, and must not depend on their number.
    with _libraries().limit(limits=1, user_api="blas"):
        ranking, probabilities = _rank(model, inputs, held_out)
    places = _places(ranking, hidden)
    return Judgement(
        per_user=_per_user(places, hidden),
        n_given=given.ratings_per_user,
        users=hidden.user_rows.astype(np.int32),
        liked=hidden.liked,
        places=places,
        probabilities=probabilities,
        coverage=coverage(ranking, 20, given.n_movies),
    )


def _rank(
    model: Scorer, inputs: Interactions, held_out: HeldOut
) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
    """First movies of every user, and P(like | seen) of the hidden ratings."""
    given, hidden = held_out.given, held_out.hidden
    ranking = np.full((given.n_users, DEPTH), -1, dtype=np.int64)
    probabilities: list[NDArray[np.float32]] = []
    for row, (scores, like_given_seen) in enumerate(_scores(model, inputs, held_out.weights)):
        best = rank(scores, model.movie_ids, exclude=given.user(row)[0], limit=DEPTH)
        ranking[row, : len(best)] = best
        if like_given_seen is not None:
            probabilities.append(like_given_seen[hidden.user(row)[0]])
    return ranking, np.concatenate(probabilities) if probabilities else None


def _scores(
    model: Scorer, inputs: Interactions, weights: NDArray[np.float32] | None
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32] | None]]:
    """Scores and P(like | seen) of every user."""
    if isinstance(model, ManyScorer):
        n = min(max(SCORES_AT_ONCE // inputs.n_movies, MIN_AT_ONCE), MAX_AT_ONCE)
        for begin in range(0, inputs.n_users, n):
            block = range(begin, min(begin + n, inputs.n_users))
            yield from model.score_users([_given(inputs, weights, row) for row in block])
        return
    score: Callable[..., tuple[NDArray[np.float32], NDArray[np.float32] | None]] = model.score_user
    for row in range(inputs.n_users):
        movie_rows, liked, own = _given(inputs, weights, row)
        yield score(movie_rows, liked, **({} if own is None else {"weights": own}))


def _given(inputs: Interactions, weights: NDArray[np.float32] | None, row: int) -> Given:
    begin, end = inputs.indptr[row : row + 2]
    return Given(*inputs.user(row), None if weights is None else weights[begin:end])


def _per_user(places: NDArray[np.int32], hidden: Interactions) -> dict[str, NDArray[np.float64]]:
    found = np.zeros((2, hidden.n_users, DEPTH + 1), dtype=np.bool_)
    found[hidden.liked.astype(np.int64), hidden.user_rows, places] = True
    dislikes, hits = found[..., :DEPTH]
    n_relevant = hidden.likes_per_user
    return {
        "ndcg@10": ndcg(hits, n_relevant, 10),
        "ndcg@100": ndcg(hits, n_relevant, 100),
        "recall@20": recall(hits, n_relevant, 20),
        "recall@50": recall(hits, n_relevant, 50),
        "dislikes@20": share_of_places(dislikes, 20),
    }


def _places(ranking: NDArray[np.int64], hidden: Interactions) -> NDArray[np.int32]:
    """Place of each hidden rating in its user's ranking, DEPTH where it is not in it."""
    users, places = np.nonzero(ranking >= 0)
    ranked = _pairs(users, ranking[users, places], hidden.n_movies)
    order = np.argsort(ranked)
    wanted = _pairs(hidden.user_rows, hidden.movie_rows, hidden.n_movies)
    at = np.minimum(np.searchsorted(ranked, wanted, sorter=order), len(order) - 1)
    if not len(order):
        return np.full(len(wanted), DEPTH, dtype=np.int32)
    return np.where(ranked[order[at]] == wanted, places[order[at]], DEPTH).astype(np.int32)


def _pairs(
    users: NDArray[np.integer], movies: NDArray[np.integer], n_movies: int
) -> NDArray[np.int64]:
    """One number for each pair of user and movie row."""
    return np.asarray(users, dtype=np.int64) * n_movies + movies

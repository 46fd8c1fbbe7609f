"""Judge a model on held-out users: rank the full catalogue, look for the hidden likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from model.metrics import Estimate, estimate, ndcg, recall
from model.scoring import rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from data.interactions import Interactions
    from data.splitting import HeldOut

__all__ = ["LeakError", "Scorer", "judge", "ranking_hits", "summarise"]

# Places of the ranking that the metrics look at.
DEPTH = 100


class Scorer(Protocol):
    """What can be judged: the RBM and every baseline."""

    @property
    def movie_ids(self) -> NDArray[np.int64]:
        """Movies that are scored, shape (n_movies,)."""

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """P(like), which ranks, and P(like | seen), two arrays of shape (n_movies,)."""


class LeakError(AssertionError):
    """A model was given what it is asked to find; every figure would be worthless."""


def judge(model: Scorer, held_out: HeldOut) -> dict[str, NDArray[np.float64]]:
    """Return every ranking metric of every held-out user.

    Parameters
    ----------
    model : Scorer
    held_out : HeldOut

    Returns
    -------
    dict of float64 arrays, shape (n_users,)
        ``ndcg@10``, ``ndcg@100``, ``recall@20`` and ``recall@50``.

    Raises
    ------
    LeakError
        A hidden rating is among the given ones.
    ValueError
        The model's movies are not those of the held-out users.
    """
    if not np.array_equal(model.movie_ids, held_out.given.movie_ids):
        raise ValueError("the model ranks other movies than the held-out users have")
    hits = np.empty((held_out.given.n_users, DEPTH), dtype=np.bool_)
    for row in range(held_out.given.n_users):
        given, liked = held_out.given.user(row)
        scores, _ = model.score_user(given, liked)
        hits[row] = ranking_hits(scores, given, held_out.hidden, row)
    n_relevant = held_out.hidden.likes_per_user
    return {
        "ndcg@10": ndcg(hits, n_relevant, 10),
        "ndcg@100": ndcg(hits, n_relevant, 100),
        "recall@20": recall(hits, n_relevant, 20),
        "recall@50": recall(hits, n_relevant, 50),
    }


def ranking_hits(
    scores: NDArray[np.floating], given: NDArray[np.integer], hidden: Interactions, row: int
) -> NDArray[np.bool_]:
    """Rank the catalogue without the given movies; say which of the first 100 are hidden likes.

    Parameters
    ----------
    scores : array, shape (n_movies,)
    given : int array
        Rows of the movies given to the model.
    hidden : Interactions
        Hidden ratings of all held-out users.
    row : int
        The user's row in `hidden`.

    Returns
    -------
    bool array, shape (100,)
        False beyond the end of a shorter catalogue.
    """
    movies, liked = hidden.user(row)
    if np.isin(movies, given).any():
        leaked = hidden.movie_ids[movies[np.isin(movies, given)][0]]
        raise LeakError(f"user {hidden.user_keys[row]!r}: movie {leaked} is given and hidden")
    ranking = rank(scores, hidden.movie_ids, exclude=given, limit=DEPTH)
    hits = np.zeros(DEPTH, dtype=np.bool_)
    hits[: len(ranking)] = np.isin(ranking, movies[liked])
    return hits


def summarise(per_user: Mapping[str, NDArray[np.float64]]) -> dict[str, Estimate]:
    """Mean and standard error over users of each metric."""
    return {name: estimate(values) for name, values in per_user.items()}

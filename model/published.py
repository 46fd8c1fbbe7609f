"""Judge a published model on users that no training has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from data.splitting import MIN_LIKES, Group, gate_share, gate_users, holdout_groups
from model.baselines import Popularity
from model.breakdown import popularity_groups, result
from model.by_ratings import ALL, by_n_ratings, measure_thinned
from model.gate import with_rare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.interactions import Interactions
    from model.evaluation import Scorer
    from model.rbm import RBM

__all__ = ["UnknownGateUsersError", "judge_published"]


class UnknownGateUsersError(ValueError):
    """The users that the model was not trained on are unknown; the message says why."""


def judge_published(
    rbm: RBM, card: Mapping[str, Any], interactions: Interactions, *, salt: str
) -> dict[str, Any]:
    """Judge a model on its gate users, as `model.comparison.compare` does on test users.

    With the ratings that it was trained on, the figures are those of its card.

    Parameters
    ----------
    rbm : RBM
    card : mapping
        The model's card: its holdout rule and salt, the number of users, the seed.
    interactions : Interactions
        All current ratings.
    salt : str
        The holdout salt of the database that the ratings come from.

    Returns
    -------
    dict
        ``protocol``, ``results`` of the RBM and of popularity, and ``by_n_ratings`` of the two
        (`model.by_ratings.by_n_ratings`).

    Raises
    ------
    UnknownGateUsersError
        The card names no holdout rule, or the salt of another database; or fewer than 2 gate
        users have enough likes.
    """
    n_users, seed = _rule(card, salt)
    trained = holdout_groups(interactions.user_keys, salt, n_users=n_users) == Group.TRAINING
    training = _over_movies(rbm, card, interactions.select_users(trained))
    held_out = gate_users(interactions, salt, training.movie_ids, n_users=n_users, seed=seed)
    if held_out.given.n_users < 2:
        raise UnknownGateUsersError(
            f"{held_out.given.n_users} gate users have {MIN_LIKES} likes or more; 2 are needed"
        )
    of_movies = popularity_groups(training)
    groups, n_movies = of_movies[held_out.hidden.movie_rows], np.bincount(of_movies, minlength=3)
    popularity = Popularity.fit(training)
    models: dict[str, Scorer] = {"popularity": popularity, "rbm": with_rare(rbm, popularity)}
    judged = measure_thinned(models, held_out, salt=salt)
    return {
        "protocol": {
            "name": "gate",
            "share": gate_share(n_users),
            "min_likes": MIN_LIKES,
            "seed": seed,
            "n_test_users": held_out.given.n_users,
        },
        "results": [
            result(name, judgements[ALL], groups, n_movies) for name, judgements in judged.items()
        ],
        "by_n_ratings": by_n_ratings(judged),
    }


def _over_movies(rbm: RBM, card: Mapping[str, Any], training: Interactions) -> Interactions:
    """Take the movies that the model was judged over: rare ones too, where it left these out."""
    if card.get("configuration", {}).get("min_ratings", 1) > 1:
        return training.rated_movies_only()
    return training.with_movies(rbm.movie_ids)


def _rule(card: Mapping[str, Any], salt: str) -> tuple[int, int]:
    """Read the number of users and the seed that determined the gate users of the model."""
    try:
        own_salt = card["holdout"]["salt"]
        n_users, seed = int(card["data"]["n_users"]), int(card["seed"])
    except (KeyError, TypeError) as error:
        raise UnknownGateUsersError(
            f"the model's card does not say who was held out: {error}"
        ) from None
    if own_salt != salt:
        raise UnknownGateUsersError(
            "the model was trained on another database: its holdout salt is not this one's, so "
            "any user here may be among those it was trained on"
        )
    return n_users, seed

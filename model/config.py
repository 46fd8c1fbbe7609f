"""Hyper-parameters: frozen, validated, with defaults that follow the size of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from data.interactions import Interactions

__all__ = ["Config"]

Rate = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class Config(BaseModel):
    """Hyper-parameters of an RBM and of its training.

    The symbols are those of `model.rbm`. `for_data` gives defaults that suit a data set.

    Parameters
    ----------
    n_hidden : int
        Number of hidden units.
    n_epochs : int
        Passes over the data. The learning rates fall linearly to 0 over all of them, so fewer
        epochs are another schedule and not the same one cut short.
    batch_size : int
        Users per update.
    cd_steps : int
        k of CD-k, the Gibbs steps between data and reconstruction.
    learning_rate_weights, learning_rate_visible, learning_rate_hidden : float
        Initial rates of ``W``, ``a`` and ``b``.
    momentum : float
        Share of the last update that is repeated, in [0, 1).
    l2 : float
        Weight decay of ``W``: the gradient gets ``- l2 * W`` for a movie of mean popularity.
    l2_popularity_exponent : float
        ``l2`` of movie i is multiplied by (its ratings / mean ratings per movie) ** this. Negative:
        the fewer the ratings, the stronger the decay.
    averaged_share : float
        The weights are the mean over this last share of the epochs; 0 keeps the last ones alone
        (Polyak & Juditsky 1992).
    dislike_weight : float
        What the weights of dislikes are multiplied by in the finished machine, see
        `model.dislikes`; without effect in the classic one.
    prior_scale : float
        Noise of a single rating in the prior of fold-in, in units of that estimated; see
        `model.prior`. More: ratings say less about the user.
    prior_length : float
        N0, the ratings of the profile that is expected of a user with few, in units of the mean
        number of ratings per training user.
    coupling_strength, coupling_l2 : float, optional
        Of the couplings between movies, see `model.couplings`; strength 0: none. Default: chosen
        on validation users where there are any (`model.finish`).
    coupling_neighbours : int
        Couplings kept of each movie.
    min_ratings : int
        Ratings of training users from which the machine has a movie. A movie with fewer is served
        by its genres and popularity (`model.affinity`), and takes no memory of a training.
    classic : bool
        Leave unrated units out of the energy (Salakhutdinov, Mnih & Hinton 2007) instead of
        making *unseen* a state of every unit. Unrated movies are then unknown by construction, and
        there is neither a prior nor are there couplings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_hidden: Annotated[int, Field(ge=1, le=100_000)] = 300
    n_epochs: Annotated[int, Field(ge=1, le=100_000)] = 60
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    cd_steps: Annotated[int, Field(ge=1, le=1_000)] = 1
    learning_rate_weights: Rate = 0.05
    learning_rate_visible: Rate = 0.05
    learning_rate_hidden: Rate = 0.05
    momentum: Share = 0.9
    l2: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.015
    l2_popularity_exponent: Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)] = -0.3
    averaged_share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.3
    dislike_weight: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 0.5
    prior_scale: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] = 1.5
    prior_length: Annotated[float, Field(ge=0.01, le=100, allow_inf_nan=False)] = 0.5
    coupling_strength: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    coupling_l2: Annotated[float, Field(ge=0.5, le=10_000, allow_inf_nan=False)] | None = None
    coupling_neighbours: Annotated[int, Field(ge=1, le=10_000)] = 50
    min_ratings: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    classic: bool = False

    @classmethod
    def for_data(cls, interactions: Interactions) -> Self:
        """Return the defaults for the number of users of the ratings to train on."""
        return cls.for_users(interactions.n_users)

    @classmethod
    def for_users(cls, n_users: int) -> Self:
        """Return the defaults for this number of users.

        Between the sizes at which they were chosen, on validation users, they are interpolated
        along the logarithm of the number of users; beyond them the nearest is taken.
        """
        size = np.log(max(n_users, 1))
        small, large = np.log(500.0), np.log(5_000.0)
        share = float(np.clip((size - small) / (large - small), 0.0, 1.0))

        def between(at_small: float, at_large: float) -> float:
            return float(at_small * (at_large / at_small) ** share)

        rate = between(0.05, 0.1)
        return cls(
            n_hidden=round(between(300, 500)),
            n_epochs=round(between(60, 30)),
            batch_size=round(between(50, 200)),
            learning_rate_weights=rate,
            learning_rate_visible=rate,
            learning_rate_hidden=rate,
            l2=between(0.015, 0.005),
        )

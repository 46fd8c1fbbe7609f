"""The models of the rolling windows, each as it is and with recency (`model.windows`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from model.baselines import EASE, IALS, Popularity
from model.recency import PSEUDO_LIKES, recency_shift
from model.training import train

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from data.temporal import Window
    from model.config import Config
    from model.evaluation import Scorer

__all__ = ["Lifted", "Method", "Shifted", "methods", "with_recency"]

Settings = Mapping[str, Any]

# Recency of the RBM, as the service's settings recommend it; chosen beforehand, on the windows from
# 20 to 50 % of the ratings of ml-latest-small (100 users: neighbouring values are as good).
SERVED = {"share": 0.05, "pseudo_likes": PSEUDO_LIKES, "half_life": 1.0}


@dataclass(frozen=True, slots=True)
class Method:
    """A fit, and the ways to score with it.

    Parameters
    ----------
    fit : callable
        (window, settings) -> Scorer.
    grid : sequence of mappings
        Settings of the fit.
    rows : dict
        By the name in the table: settings of recency to try with each fit; ``{}`` for none.
    cost : int
        Time of one fit in ms on ml-latest-small; for the progress alone.
    """

    fit: Callable[[Window, Settings], Scorer]
    grid: Sequence[Settings]
    rows: Mapping[str, Sequence[Settings]]
    cost: int = 1

    @property
    def is_chosen(self) -> bool:
        """True where there are several settings to choose from."""
        return len(self.grid) > 1 or any(len(ways) > 1 for ways in self.rows.values())


@dataclass(frozen=True, slots=True, eq=False)
class Lifted:
    """Scores of a model times lift^power, lift being recent over all-time share of likes.

    Parameters
    ----------
    model : Scorer
    lift : float32 array, shape (n_movies,)
        To its power.
    """

    model: Scorer
    lift: NDArray[np.float32]

    @property
    def movie_ids(self) -> NDArray[np.int64]:
        """Movies that are scored."""
        return self.model.movie_ids

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_], **weights: Any
    ) -> tuple[NDArray[np.float32], None]:
        """Return the scores, lifted; there is no P(like | seen)."""
        scores, _ = self.model.score_user(movie_rows, liked, **weights)
        return scores * self.lift, None


@dataclass(frozen=True, slots=True, eq=False)
class Shifted:
    """An RBM whose x[i,L] are shifted.

    Parameters
    ----------
    rbm : RBM
    shift : float32 array, shape (n_movies,)
    """

    rbm: Any
    shift: NDArray[np.float32]

    @property
    def movie_ids(self) -> NDArray[np.int64]:
        """Movies that are scored."""
        ids: NDArray[np.int64] = self.rbm.movie_ids
        return ids

    def score_user(
        self, movie_rows: NDArray[np.integer], liked: NDArray[np.bool_], **weights: Any
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return P(like) and P(like | seen) with the shift."""
        scores: tuple[NDArray[np.float32], NDArray[np.float32]] = self.rbm.score_user(
            movie_rows, liked, like_shift=self.shift, **weights
        )
        return scores


def methods(config: Config | None = None) -> list[Method]:
    """Every model of the table; see `Method`."""
    lifted = _grid(share=(0.05, 0.1), pseudo_likes=(300, 1000), power=(0.5, 1.0))
    aged = [{}, *_grid(half_life=(0.5, 1.0, 3.0))]
    return [
        Method(lambda w, _: Popularity.fit(w.training.interactions), [{}], {"popularity": [{}]}),
        Method(_popular_lately, _grid(share=(0.02, 0.05, 0.1, 0.2)), {"popularity-latest": [{}]}),
        Method(
            lambda w, settings: EASE.fit(w.training.interactions, **settings),
            _grid(l2=(30, 100, 200, 300, 500, 1000), dislikes=(False, True)),
            {"ease": [{}], "ease-recency": [{**one, **two} for one in lifted for two in aged]},
            cost=400,
        ),
        Method(
            lambda w, settings: IALS.fit(w.training.interactions, **settings),
            _grid(
                unobserved=(0.03, 0.1, 0.3), l2=(0.001, 0.003, 0.01, 0.03), dimension=64,
                dislikes=False,
            ),
            {"ials": [{}], "ials-recency": lifted},
            cost=700,
        ),
        Method(
            lambda w, _: train(w.training.interactions, config),
            [{}],
            {"rbm": [{}], "rbm-recency": [SERVED]},
            cost=6000,
        ),
    ]  # fmt: skip


def with_recency(model: Scorer, window: Window, way: Settings) -> Scorer:
    """Return the model with the shift, or its scores with the lift, that `way` says."""
    if "share" not in way:
        return model
    recent, _ = window.training.latest(way["share"]).movie_counts()
    shift = recency_shift(
        recent, window.training.interactions.movie_counts()[0], pseudo_likes=way["pseudo_likes"]
    )
    if "power" in way:
        return Lifted(model, np.exp(way["power"] * shift))
    return Shifted(model, shift)


def _popular_lately(window: Window, settings: Settings) -> Scorer:
    """Popularity among the latest ratings; ties by that of all time."""
    recent = Popularity.fit(window.training.latest(settings["share"]))
    always = Popularity.fit(window.training.interactions)
    return replace(recent, like=recent.like + always.like / np.float32(1e4 * len(always.like)))


def _grid(**values: Any) -> list[dict[str, Any]]:
    columns = [value if isinstance(value, tuple) else (value,) for value in values.values()]
    return [dict(zip(values, row, strict=True)) for row in product(*columns)]

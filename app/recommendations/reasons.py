"""Why a film is in a list: the ratings that speak for it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.movies.catalogue import Catalogue
from app.recommendations.schemas import Because
from model.rbm import RBM
from model.scoring import effects, rank


def explain(
    catalogue: Catalogue,
    rbm: RBM,
    rated: NDArray[np.int64],
    liked: NDArray[np.bool_],
    targets: NDArray[np.int64],
    most: int,
) -> list[list[Because]]:
    """Give for each target row the ratings without which its score would be lower, best first."""
    if not most or not len(rated):
        return [[] for _ in targets]
    rated_ids = rbm.movie_ids[rated]
    shown = np.isin(rated_ids, catalogue.movie_ids)
    reasons = []
    for row in effects(rbm, rated, liked, targets):
        speaks_for = np.flatnonzero((row > 0) & shown)
        best = speaks_for[rank(row[speaks_for], rated_ids[speaks_for], limit=most)]
        columns = zip(
            rated_ids[best].tolist(), liked[best].tolist(), shortest(row[best]), strict=True
        )
        reasons.append(
            [
                Because(movie_id=id_, title=catalogue.films[id_].title, liked=like, effect=effect)
                for id_, like, effect in columns
            ]
        )
    return reasons


def shortest(values: NDArray[np.float32]) -> list[float]:
    """Give the numbers that print with the fewest digits among those equal to these in float32."""
    return [float(str(value)) for value in values]

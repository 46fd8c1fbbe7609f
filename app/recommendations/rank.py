"""Why movies of a request are not among those that were ranked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.recommendations.compiled import Compiled
from app.recommendations.history import History
from app.recommendations.schemas import Why


def left_out(
    compiled: Compiled, history: History, ids: NDArray[np.int64], ranked: NDArray[np.int64]
) -> dict[int, Why]:
    """Return the reason for each of the movies that has no place; the first that holds counts."""
    snapshot, rated = compiled.snapshot, history.ratings
    known = snapshot.catalogue.movie_ids
    rated_ids, seen = (rated.movie_ids, rated.seen) if rated else (known[:0], known[:0])
    holds = (
        (~np.isin(ids, known), Why.UNKNOWN),
        (~np.isin(ids, known[snapshot.available]), Why.UNAVAILABLE),
        (np.isin(ids, rated_ids), Why.RATED),
        (np.isin(ids, seen), Why.SEEN),
        (np.isin(ids, history.shown), Why.SHOWN),
        (~np.isin(ids, known[compiled.allowed]), Why.EXCLUDED),
        (~np.isin(ids, known[ranked]), Why.NO_PLACE),
    )
    why: dict[int, Why] = {}
    for mask, reason in holds:
        for id_ in ids[mask].tolist():
            why.setdefault(id_, reason)
    return why

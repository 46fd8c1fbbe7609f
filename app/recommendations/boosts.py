"""Boosts: what the rules of a list add to the log-odds of the scores of movies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.live.attributes import AttributeFilter
from app.live.rules import Boost, GenreBoost, PopularityBoost, RecencyBoost
from app.live.snapshot import Snapshot


def shift_of(snapshot: Snapshot, boosts: Sequence[Boost]) -> NDArray[np.float32] | None:
    """Return the sum of the boosts for each position of the catalogue, None without any."""
    if not boosts:
        return None
    total = np.zeros(len(snapshot.catalogue.movie_ids))
    for boost in boosts:
        total += boost.weight * _share(snapshot, boost)
    return total.astype(np.float32)


def boosted(scores: NDArray[np.float32], shift: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return σ(logit(score) + shift), as score e^shift / (1 - score + score e^shift).

    In double precision, so that a shift of 0 leaves a score as it is, to the last bit. Scores of 0
    and 1 stay: no shift moves them.
    """
    odds = scores.astype(np.float64)
    odds *= np.exp(shift, dtype=np.float64)
    return (odds / (odds + (1.0 - scores.astype(np.float64)))).astype(np.float32)


def _share(snapshot: Snapshot, boost: Boost) -> NDArray[Any]:
    """Return the part of its weight that each movie gets."""
    facets, nothing = snapshot.facets, np.zeros(len(snapshot.catalogue.movie_ids), dtype=np.bool_)
    if isinstance(boost, PopularityBoost):
        logs = np.log1p(snapshot.catalogue.likes)
        return np.asarray(logs / (logs.max(initial=0.0) or 1.0))
    if isinstance(boost, RecencyBoost):
        ages = facets.years.max(initial=0) - facets.years
        return np.where(facets.years >= 0, np.exp2(-ages / boost.half_life_years), 0.0)
    if isinstance(boost, GenreBoost):
        return facets.genres.get(boost.genre.casefold(), nothing)
    mask = facets.attributes.mask(AttributeFilter.parse(boost.attribute))
    return nothing if mask is None else mask

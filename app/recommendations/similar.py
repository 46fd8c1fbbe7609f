"""How similar the movies of the catalogue are to one of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.live.genres import Genres
from app.live.snapshot import Snapshot
from app.recommendations.schemas import Reason
from model.similarity import similarity

UNKNOWN = np.float32(-np.inf)  # less than any similarity


def likeness(snapshot: Snapshot, id_: int) -> tuple[NDArray[np.float32], Reason | None]:
    """Return the similarity of each position to a movie, and why only genres are compared.

    It is the cosine of the weights of the model; `UNKNOWN` for movies that this does not know. For
    one that it does not know itself, it is the share of common genres.
    """
    model, catalogue = snapshot.model, snapshot.catalogue
    row = int(model.rows_of(np.array([id_]))[0]) if model else -1
    if model is None or row < 0:
        reason = Reason.UNKNOWN_MOVIE if model else Reason.NO_MODEL
        position = int(catalogue.positions(np.array([id_]))[0])
        return _by_genres(snapshot.facets.genres, position), reason
    values = np.full(len(catalogue.movie_ids), UNKNOWN, dtype=np.float32)
    here = model.in_catalogue
    values[model.positions[here]] = similarity(model.rbm, row, model.lengths)[here]
    return values, None


def most_similar(
    snapshot: Snapshot, values: NDArray[np.float32], movies: NDArray[np.bool_], limit: int | None
) -> NDArray[np.int64]:
    """Return the positions in a mask by falling similarity; ties by likes, then by movie id."""
    catalogue = snapshot.catalogue
    positions = np.flatnonzero(movies & (values > UNKNOWN))
    keys = (catalogue.movie_ids[positions], -catalogue.likes[positions], -values[positions])
    return positions[np.lexsort(keys)][:limit]


def _by_genres(genres: Genres, position: int) -> NDArray[np.float32]:
    """Share of common genres among all genres of both."""
    own = set(genres.of(position))
    overlap = [
        len(own.intersection(others)) / len(own.union(others)) if own or others else 0.0
        for others in genres.sets
    ]
    alike: NDArray[np.float32] = np.array(overlap, dtype=np.float32)[genres.of_movies]
    return alike

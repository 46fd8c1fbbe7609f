"""Whether a model fits the movies of the catalogue: whether it can serve and be trained further."""

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from app.db.model_versions import checksum
from app.db.tables import movies
from app.store.folder import ModelStore
from model import artifact

# A few movies may be gone: they are left out of lists, and the others are scored as before.
MIN_SHARE = 0.9


def movies_of(connection: Connection, store: ModelStore, version: str) -> NDArray[np.int64] | None:
    """Return the ids of the movies that a model knows, None where its files are damaged."""
    sha256 = checksum(connection, version)
    try:
        return store.load(version, sha256).rbm.movie_ids
    except artifact.ArtifactError:
        return None


def catalogue_ids(connection: Connection) -> NDArray[np.int64]:
    """Return the ids of all movies of the database."""
    return np.fromiter(connection.execute(select(movies.c.id)).scalars(), dtype=np.int64)


def n_missing(known: NDArray[np.int64], there: NDArray[np.int64]) -> int:
    """Count the movies of a model that are not there."""
    return int((~np.isin(known, there)).sum())


def fits(known: NDArray[np.int64], there: NDArray[np.int64]) -> bool:
    """Tell whether enough of a model's movies are there."""
    return len(known) - n_missing(known, there) >= MIN_SHARE * len(known)

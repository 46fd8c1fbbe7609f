"""What a Gibbs sample has changed of a list, in genres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.live.snapshot import Snapshot
from app.recommendations.schemas import Draw, GenreChange

FIRST = 100  # movies of each list that are compared
MAX_GENRES = 3
# Genres with a smaller share of the likes, and smaller changes, are not worth a word.
MIN_SHARE, MIN_TIMES = 0.02, 1.1


def describe_draw(
    snapshot: Snapshot,
    positions: NDArray[np.int64],
    ranked: NDArray[np.float32],
    sampled: NDArray[np.float32],
) -> Draw:
    """Compare the genres of the first movies of both lists, each counted with its score."""
    before, after = (_shares(snapshot, positions, scores) for scores in (ranked, sampled))
    times = {genre: after[genre] / share for genre, share in before.items() if share >= MIN_SHARE}
    by_change = sorted(times, key=lambda genre: (-times[genre], genre))
    more = [genre for genre in by_change if times[genre] >= MIN_TIMES]
    less = [genre for genre in reversed(by_change) if times[genre] <= 1 / MIN_TIMES]

    def changes(genres: list[str]) -> list[GenreChange]:
        return [
            GenreChange(genre=_name(snapshot, genre), times=round(times[genre], 2))
            for genre in genres[:MAX_GENRES]
        ]

    return Draw(more=changes(more), less=changes(less))


def _shares(
    snapshot: Snapshot, positions: NDArray[np.int64], scores: NDArray[np.float32]
) -> dict[str, float]:
    """Return each genre's share of the likes that are expected of the first movies."""
    first = np.argsort(-scores, kind="stable")[:FIRST]
    weights, total = scores[first], max(float(scores[first].sum()), 1e-9)
    return {
        genre: float(weights[has_genre[positions[first]]].sum()) / total
        for genre, has_genre in snapshot.facets.genres.items()
    }


def _name(snapshot: Snapshot, folded: str) -> str:
    """Return a genre as the first of its movies writes it."""
    first = int(snapshot.facets.genres[folded].argmax())
    movie = snapshot.catalogue.movies[int(snapshot.catalogue.movie_ids[first])]
    return next(name for name in movie.genres if name.casefold() == folded)

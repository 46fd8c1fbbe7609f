"""The rules of lists for one snapshot: what depends on no user, derived once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.live.catalogue import fingerprint
from app.live.filters import Filters
from app.live.rules import Boost, ScenarioDefinition
from app.live.snapshot import Snapshot, Source
from app.recommendations.boosts import boosted, shift_of
from data.movie_keys import movie_id

# A movie with fewer ratings is new, and so is one that the model does not know.
RATINGS_OF_NEW = 10
# Likes of so many days make a trend, and count half after so many.
TREND_DAYS, TREND_HALF_LIFE_DAYS = 7.0, 3.5


class Listing:
    """Movies in an order that is the same for all users; scores are those of all positions."""

    def __init__(
        self,
        source: Source,
        ids: NDArray[np.int64],
        positions: NDArray[np.int64],
        scores: NDArray[np.float32],
    ) -> None:
        self.source = source
        self.positions = positions
        self.scores = scores
        self._ids = ids

    def only(self, movies: NDArray[np.bool_]) -> Listing:
        """Return those of a mask of positions."""
        chosen = self.positions[movies[self.positions]]
        return Listing(self.source, self._ids, chosen, self.scores)

    @cached_property
    def state(self) -> str:
        """Fingerprint of the order."""
        return fingerprint(self._ids[self.positions])


class Compiled:
    """Which movies lists may have, and how their scores are shifted; parts are made when needed."""

    def __init__(
        self,
        snapshot: Snapshot,
        definition: ScenarioDefinition,
        shift: NDArray[np.float32] | None,
        allowed: NDArray[np.bool_],
        whole: dict[Source, Listing],
    ) -> None:
        self.snapshot = snapshot
        self.definition = definition
        self.shift = shift  # added to the log-odds of each position, None without boosts
        self.allowed = allowed  # positions: available, and let through by the filters
        self._whole = whole  # with all available movies
        self._listings: dict[tuple[Source, bool], Listing] = {}

    @classmethod
    def of(
        cls, snapshot: Snapshot, definition: ScenarioDefinition, more: Sequence[Boost] = ()
    ) -> Compiled:
        """Derive what every list needs; an arm of an experiment adds `more` boosts."""
        allowed = snapshot.available
        if definition.filters != type(definition.filters)():
            allowed = allowed & snapshot.facets.allowed_by_rule(definition.filters)
        shift = shift_of(snapshot, [*definition.boosts, *more])
        return cls(snapshot, definition, shift, allowed, {})

    def narrowed(self, movies: NDArray[np.bool_] | None) -> Compiled:
        """Return the same rules for some of the movies, None for all."""
        if movies is None:
            return self
        allowed = self.allowed & movies
        return Compiled(self.snapshot, self.definition, self.shift, allowed, self._whole)

    def filtered(self, filters: Filters) -> Compiled:
        """Return the same rules for what the filters of a request let through."""
        return self.narrowed(self.snapshot.facets.allowed(filters))

    def listing(self, source: Source, *, behind_model: bool = False) -> Listing:
        """Return the movies of a source; behind the model those that it does not know."""
        key = (source, behind_model)
        if key not in self._listings:
            movies = self.allowed & ~self.known if behind_model else self.allowed
            self._listings[key] = self._all(source).only(movies)
        return self._listings[key]

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """The positions that the model knows."""
        known = np.zeros(len(self.allowed), dtype=np.bool_)
        model = self.snapshot.model
        if model is not None:
            known[model.positions[model.in_catalogue]] = True
        return known

    @cached_property
    def model_state(self) -> str:
        """Fingerprint of what decides the order of the movies that the model knows."""
        model, shift = self.snapshot.model, self.shift
        state = model.state_of(model.allowed(self.allowed)) if model else ""
        if shift is None:
            return state
        return state + fingerprint(shift.view(np.int32).astype(np.int64))

    @cached_property
    def pins(self) -> list[tuple[int, int]]:
        """Place, from 0 on, and position of the pinned movies that lists may have, in order."""
        places = {movie_id(pin.movie_id): pin.position - 1 for pin in self.definition.pins}
        ids = self.snapshot.catalogue.movie_ids
        found = np.flatnonzero(np.isin(ids, list(places)) & self.allowed)
        return sorted((places[int(ids[position])], int(position)) for position in found)

    @cached_property
    def new(self) -> NDArray[np.int64]:
        """The positions of new movies."""
        few = self.snapshot.catalogue.ratings < RATINGS_OF_NEW
        is_new = few | ~self.known if self.snapshot.model else few
        return np.flatnonzero(is_new & self.allowed)

    @property
    def is_arranged(self) -> bool:
        """Tell whether movies have places by other rules than the order of their sections."""
        rules = self.definition
        return bool(rules.pins or rules.max_per_genre or rules.exploration)

    @cached_property
    def arrangement_state(self) -> str:
        """Fingerprint of what such rules follow: pins, new movies, genres."""
        if not self.is_arranged:
            return ""
        ids, genres = self.snapshot.catalogue.movie_ids, self.snapshot.facets.genres
        followed = [np.array([[place, ids[at]] for place, at in self.pins], dtype=np.int64).ravel()]
        if self.definition.exploration:
            followed.append(ids[self.new])
        if self.definition.max_per_genre:
            followed += [np.flatnonzero(genres[name]) for name in sorted(genres)]
        return fingerprint(*followed)

    def _all(self, source: Source) -> Listing:
        if source not in self._whole:
            self._whole[source] = _ordered(self.snapshot, source, self.shift)
        return self._whole[source]


def _ordered(snapshot: Snapshot, source: Source, shift: NDArray[np.float32] | None) -> Listing:
    """Order all available movies of a source, the best first; ties by likes, then by movie id."""
    catalogue = snapshot.catalogue
    ids, positions = catalogue.movie_ids, snapshot.popular
    if source is Source.TRENDING:
        likes = catalogue.trends.scores(snapshot.at, TREND_DAYS, TREND_HALF_LIFE_DAYS)
        scores = (likes / max(catalogue.counts.n_users, 1)).astype(np.float32)
        positions = positions[scores[positions] > 0]
    else:
        scores = catalogue.scores(np.arange(len(ids)))
    if shift is None and source is Source.POPULAR:
        return Listing(source, ids, positions, scores)
    # Popular movies are in the order of the ties already; no shift moves a score of 0.
    last = np.zeros(len(positions), dtype=np.float32)
    if shift is not None:
        scores, last = boosted(scores, shift), -shift[positions]
    return Listing(source, ids, positions[np.lexsort((last, -scores[positions]))], scores)

"""Builds the list of a user by the rules of a plan."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.core import metrics
from app.live.snapshot import Source
from app.recommendations.boosts import boosted
from app.recommendations.compiled import Compiled, Listing
from app.recommendations.history import History, KnownRatings, known_ratings
from app.recommendations.plan import Plan
from app.recommendations.ranking import Ranking
from app.recommendations.schemas import Reason
from app.recommendations.sections import (
    GenresSection,
    ListedSection,
    ModelSection,
    Section,
)
from app.recommendations.similar import likeness, most_similar

DAY_MS = 86_400_000


class Wishes(NamedTuple):
    """What a request says of the order."""

    diversity: float = 0.0
    seed: int | None = None  # of a Gibbs sample
    at: int | None = None  # the moment of a list that changes with the time


def build(
    plan: Plan, compiled: Compiled, user: str | None, history: History, wishes: Wishes
) -> tuple[Ranking, Reason | None]:
    """Return the list of a user, and the fallback reason if it should be personal and is not."""
    left = compiled.allowed.copy()
    left[compiled.snapshot.catalogue.positions(history.not_shown)] = False
    known = known_ratings(plan.snapshot, history.ratings)
    sections = list(_Sections(compiled, known, history, wishes, left.copy()).make())
    reason = None
    if isinstance(known, Reason) and Source.RBM in compiled.definition.sources:
        metrics.count_fallback(known.value)
        reason = known
    return Ranking(compiled, sections, left, _seed_of_new(plan, user, wishes.at)), reason


@dataclass(slots=True)
class _Sections:
    """Makes a section of each source, of the movies that are `left` by those before."""

    compiled: Compiled
    known: KnownRatings | Reason
    history: History
    wishes: Wishes
    left: NDArray[np.bool_]
    behind_model: bool = False

    def make(self) -> Iterator[Section]:
        """Yield the sections that have something, and that of the model."""
        for source in map(Source, self.compiled.definition.sources):
            if source is Source.RBM:
                if isinstance(self.known, KnownRatings):
                    yield self._of_model(self.known)
                continue
            listing = self._listing(source)
            section = self._listed(listing) if listing else ()
            if section:
                self.left[section.positions] = False
                yield section

    def _listed(self, listing: Listing) -> ListedSection | GenresSection:
        known, is_last = self.known, self.behind_model and listing.source is Source.POPULAR
        if is_last and isinstance(known, KnownRatings) and known.model.by_genres:
            return GenresSection(self.compiled, known, listing, self.left)
        return ListedSection(self.compiled, listing, self.left)

    def _of_model(self, known: KnownRatings) -> ModelSection:
        wishes = self.wishes
        section = ModelSection(self.compiled, known, self.left, wishes.diversity, wishes.seed)
        self.left &= ~self.compiled.known
        self.behind_model = True
        return section

    def _listing(self, source: Source) -> Listing | None:
        if source is Source.SIMILAR:
            return self._similar()
        return self.compiled.listing(source, behind_model=self.behind_model)

    def _similar(self) -> Listing | None:
        """Return the movies that are similar at all to the one that the user has liked last."""
        snapshot, id_ = self.compiled.snapshot, self.history.liked_last
        if id_ is None or id_ not in snapshot.catalogue.movies:
            return None
        values = likeness(snapshot, id_)[0]
        scores = np.clip(values, 0, 1)
        if self.compiled.shift is not None:
            scores = boosted(scores, self.compiled.shift)
        positions = most_similar(snapshot, scores, self.left & (values > 0), None)
        return Listing(Source.SIMILAR, snapshot.catalogue.movie_ids, positions, scores)


def _seed_of_new(plan: Plan, user: str | None, at: int | None) -> int:
    """Return what decides where new movies are, and which: another one each day for each user."""
    if at is None or not plan.definition.exploration:
        return 0
    words = f"{at // DAY_MS}|{plan.requested or ''}|{user or ''}"
    return int.from_bytes(hmac.digest(plan.snapshot.rules.secret, words.encode(), "sha256")[:8])

"""Keeps in memory what is served, and follows the database."""

from __future__ import annotations

import logging
from pathlib import Path
from secrets import token_hex
from threading import Lock
from time import monotonic

from sqlalchemy import Connection

from app.core import metrics
from app.core.metrics import UNKNOWN, Drift
from app.core.polling import Poller
from app.db.engine import Database
from app.db.model_versions import checksum, holdout_salt
from app.live import counts, repository
from app.live.catalogue import Catalogue, read_movies
from app.live.counts import Counts, Generation
from app.live.drift import Origin
from app.live.repository import ServingState
from app.live.snapshot import CurrentSnapshot, LoadedModel, Snapshot
from model import artifact

logger = logging.getLogger(__name__)

# A new model is to be served within 2 s by every worker; this leaves one second to load it.
POLL_S = 1.0
# A refused model is tried again: its files may be on their way, on a disk that was away.
RETRY_S = 30.0
# Counting likes reads all ratings. Rated movies disappear at once all the same; only the order and
# the scores of popular movies wait.
RECOUNT_S = 60.0
# Counting again takes no more than a twentieth of the time, however large the table.
RECOUNT_SHARE = 20


class ModelReloader:
    """Gives snapshots of model and catalogue; threads swap in a new one when either changes.

    One thread follows the model, the movies and the shared counts. Another one counts likes when
    that is due and no other worker does, so that counting in a large table keeps no model waiting;
    what it has counted is served once it is shared, here as elsewhere.

    The model changes when the database names another active version. One that is damaged is
    refused, and the model in memory stays; a service that starts with a damaged one takes the
    version before it.
    """

    def __init__(
        self,
        database: Database,
        models_dir: Path,
        like_threshold: float,
    ) -> None:
        self.database = database
        self.current = CurrentSnapshot()
        self.models_dir = models_dir
        self.like_threshold = like_threshold
        self.state: ServingState | None = None
        self._loaded: LoadedModel | None = None
        self._catalogue: Catalogue | None = None
        self._retry_at: float | None = None
        self._insist_at = 0.0
        self._swapping, self._counting = Lock(), Lock()
        trouble = "cannot follow the database; serving goes on with what is loaded"
        self._poller = Poller("model-reloader", self.follow, POLL_S, trouble)
        trouble = "cannot count likes; popular movies stay in the order that they have"
        self._counter = Poller("like-counter", self.recount, POLL_S, trouble)

    def start(self) -> None:
        """Load what is to be served, and follow it from now on."""
        self._poller.start()
        # Counting writes, and a start must not wait for an import that keeps others from writing.
        self._counter.start(poll_now=False)

    def stop(self) -> None:
        """End following."""
        self._poller.stop()
        self._counter.stop()

    def reload(self) -> None:
        """Make a change count in this process at once; a failure is logged, and tried again."""
        self._poller.poll_now()

    def refresh(self) -> None:
        """Take over all that has changed in the database."""
        self.follow()
        self.recount()

    def follow(self) -> None:
        """Take over another model, movies that are new or were changed, and other shared counts."""
        with self._swapping:
            with self.database.read() as connection:
                state = repository.serving_state(connection)
                catalogue = self._follow_catalogue(connection, state)
            loaded = self._follow_model(state)
            if loaded is not self._loaded or catalogue is not self._catalogue:
                self.current.swap(Snapshot.of(catalogue, loaded))
            version = loaded.version if loaded else None
            metrics.serve_model(version, self._loaded.version if self._loaded else None)
            self.state, self._loaded, self._catalogue = state, loaded, catalogue
            metrics.record_drift(self.drift())

    def recount(self) -> None:
        """Count likes for all workers where ratings have changed since, unless another one does.

        The ratings of another release count at once, and so does another threshold.
        """
        with self._counting:
            state, catalogue = self.state, self._catalogue
            if state is None or catalogue is None or not self._recount_is_due(state):
                return
            name = token_hex(8)
            if state.counted is not None and not self._claim(state.counted, name):
                return
            counted = self._count(state, catalogue.counts)
            self._insist_at = monotonic() + _pause_s(counted.took_s)
            share = counts.add if state.counted is None else counts.replace
            with self.database.unit_of_work() as connection:
                share(connection, counted, name)
        self.follow()

    def drift(self) -> Drift:
        """Say how far the ratings have gone from those that the served model was trained on."""
        if self._loaded is None:
            return UNKNOWN
        origin, snapshot = self._loaded.origin, self.current.snapshot
        return Drift(
            origin.age_s(),
            origin.ratings_since(int(snapshot.catalogue.ratings.sum())),
            snapshot.unknown_ratings_share,
        )

    def _follow_model(self, state: ServingState) -> LoadedModel | None:
        held, version = self._loaded, state.active.version
        changed = self.state is None or self.state.active != state.active
        due = self._retry_at is not None and monotonic() >= self._retry_at
        if not changed and not due:
            return held
        self._retry_at = None
        if version is None:
            return None
        if held and held.version == version:
            return held
        loaded = self._load(version)
        if loaded:
            logger.info("serving model %s", version)
            return loaded
        self._retry_at = monotonic() + RETRY_S
        if held:
            logger.error("model %s stays in service", held.version)
            return held
        return self._fall_back(state.active.previous)

    def _fall_back(self, previous: str | None) -> LoadedModel | None:
        loaded = self._load(previous) if previous else None
        if loaded:
            logger.error("FALLING BACK to the previous model %s", previous)
        else:
            logger.error("NO MODEL could be loaded: serving popular movies only")
        return loaded

    def _load(self, version: str) -> LoadedModel | None:
        try:
            with self.database.read() as connection:
                sha256 = checksum(connection, version)
                salt = holdout_salt(connection)
            loaded = artifact.load(self.models_dir / version, sha256=sha256)
            return LoadedModel.of(version, loaded.rbm, Origin.of(loaded.card, salt))
        except Exception:  # whatever is wrong with it, the service must not go down with it
            logger.exception("REFUSED model %s", version)
            return None

    def _follow_catalogue(self, connection: Connection, state: ServingState) -> Catalogue:
        held = self._catalogue
        if held is None:
            return Catalogue.of(read_movies(connection), self._follow_counts(connection, state))
        counted = self._follow_counts(connection, state, held.counts)
        if _movies_differ(state, self.state):
            return Catalogue.of(read_movies(connection), counted)
        return held if counted is held.counts else Catalogue.of(held.movies, counted)

    def _follow_counts(
        self, connection: Connection, state: ServingState, held: Counts | None = None
    ) -> Counts:
        """Give the shared counts, or where they do not fit those held, or own ones to begin with.

        Counts of another release or threshold are replaced in a moment; nobody takes them over.
        """
        shared = state.counted
        if shared is not None and self._fits(shared, state):
            same = held is not None and held.generation == shared.name
            return held if held is not None and same else counts.read(connection, shared)
        return held or counts.count(connection, state.basis(self.like_threshold))

    def _fits(self, shared: Generation, state: ServingState) -> bool:
        basis = shared.basis
        return (basis.imported, basis.like_threshold) == (state.imported, self.like_threshold)

    def _recount_is_due(self, state: ServingState) -> bool:
        """Tell whether to begin; by the clock of the database, and a clock set back delays none."""
        shared = state.counted
        may_insist = monotonic() >= self._insist_at
        if shared is None:
            return may_insist
        age_s = (state.now - shared.begun_at).total_seconds()
        begun_lately = 0 <= age_s < _pause_s(shared.took_s)
        if begun_lately and shared.claimed != shared.name:
            return False  # somebody is counting
        if shared.basis.imported != state.imported:
            return True
        if shared.basis.like_threshold != self.like_threshold:
            return may_insist  # workers of both thresholds may run for a while
        return shared.basis.ratings_revision != state.ratings_revision and not begun_lately

    def _claim(self, shared: Generation, name: str) -> bool:
        with self.database.unit_of_work() as connection:
            return counts.claim(connection, shared, name)

    def _count(self, state: ServingState, held: Counts) -> Counts:
        if held.generation is None and held.basis.imported == state.imported:
            return held  # counted when this worker began
        with self.database.read() as connection:
            basis = repository.serving_state(connection).basis(self.like_threshold)
            return counts.count(connection, basis)


def _pause_s(took_s: float) -> float:
    """Say how long after the begin of counting nobody begins again."""
    return max(RECOUNT_S, RECOUNT_SHARE * took_s)


def _movies_differ(one: ServingState, other: ServingState | None) -> bool:
    return other is None or (one.movies_revision, one.imported) != (
        other.movies_revision,
        other.imported,
    )

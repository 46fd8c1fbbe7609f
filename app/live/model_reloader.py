"""Keeps the served model and catalogue in memory, and polls the database for changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from secrets import token_hex
from threading import Lock
from time import monotonic

from sqlalchemy import Connection

from app.core import metrics
from app.core.memory import release_unused
from app.core.metrics import UNKNOWN, Drift
from app.core.polling import Poller
from app.db import schema
from app.db.engine import Database
from app.db.limits import JOBS
from app.live import counts, repository
from app.live.catalogue import Catalogue, read_movies
from app.live.counts import Basis, Counts, Generation
from app.live.loading import ModelLoader
from app.live.recency import OFF, Recency
from app.live.repository import ServingState
from app.live.rules import Rules, read_rules
from app.live.snapshot import CurrentSnapshot, LoadedModel, Snapshot
from app.store.folder import ModelStore

logger = logging.getLogger(__name__)

# Every worker must serve a new model within 2 s; this leaves one second to load it.
POLL_S = 1.0
# A service that starts waits so long for the model to be copied, and then begins without.
START_S = 30.0
# Counting likes reads all ratings, so popular movies are ordered anew once in this time. Movies
# that a user has rated leave the user's lists at once.
RECOUNT_S = 60.0
# Counting takes no more than a twentieth of the time, however large the table.
RECOUNT_SHARE = 20


class ModelReloader:
    """Replaces the snapshot when the model or the catalogue changes.

    One thread polls the active model, the movies and the shared counts. Another one counts likes
    when that is due and no other worker does, so that a long count delays no new model; the counts
    are served once they are shared.

    A damaged model is refused, and the model in memory stays; a service that starts with a damaged
    model loads the previous version. So it is while a model is copied from a remote store.
    """

    def __init__(
        self,
        database: Database,
        store: ModelStore,
        like_threshold: float,
        recency: Recency = OFF,
        start_s: float = START_S,
    ) -> None:
        self.database = database
        self.current = CurrentSnapshot()
        self.loader = ModelLoader(database, store, self._reload_copied)
        self.like_threshold = like_threshold
        self.recency = recency
        self.start_s = start_s
        self.has_polled = False  # so that `revision`, of the schema, was read
        self.revision: str | None = None
        self.state: ServingState | None = None
        self._loaded: LoadedModel | None = None
        self._catalogue: Catalogue | None = None
        self._rules: Rules | None = None
        self._others: Mapping[str, LoadedModel] = {}
        self._retry_at: float | None = None
        self._retry_others_at: dict[str, float] = {}
        self._insist_at = 0.0
        self._swapping, self._counting = Lock(), Lock()
        trouble = "cannot poll the database; the loaded model and movies stay in service"
        self._poller = Poller("model-reloader", self.poll, POLL_S, trouble)
        trouble = "cannot count likes; popular movies stay in their order"
        self._counter = Poller("like-counter", self.recount, POLL_S, trouble)

    def start(self) -> None:
        """Load model and catalogue, and start polling."""
        self._poller.start()
        self.loader.start()
        # Counting writes, and a start must not wait for the write lock of an import.
        self._counter.start(poll_now=False)

    def stop(self) -> None:
        """Stop polling."""
        self._poller.stop()
        self.loader.stop()
        self._counter.stop()

    def reload(self) -> None:
        """Poll now; a failure is logged, and the next poll tries again."""
        self._poller.poll_now()

    def refresh(self) -> None:
        """Reload everything that has changed, and count likes if that is due."""
        self.poll()
        self.recount()

    def poll(self) -> None:
        """Reload the model, the movies and the shared counts if they have changed."""
        with self._swapping:
            has_swapped = self._poll()
        if has_swapped:
            release_unused()

    def recount(self) -> None:
        """Count likes for all workers if ratings have changed, unless another worker does.

        After an import, or with other settings of counting, likes are counted at once.
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
        self.poll()

    def drift(self) -> Drift:
        """Return how much the ratings have changed since the model was trained."""
        if self._loaded is None:
            return UNKNOWN
        origin, snapshot = self._loaded.origin, self.current.snapshot
        return Drift(
            origin.age_s(),
            origin.ratings_since(int(snapshot.catalogue.ratings.sum())),
            snapshot.unknown_ratings_share,
        )

    def _poll(self) -> bool:
        """Reload, and return whether there is another snapshot."""
        # Before the first counts are shared this worker counts likes itself.
        statement_s = JOBS.statement_s if self._catalogue is None else None
        with self.database.read(statement_s) as connection:
            self.revision, self.has_polled = schema.current_of(connection), True
            state = repository.serving_state(connection)
            catalogue = self._current_catalogue(connection, state)
            rules = self._current_rules(connection, state)
        loaded, others = self._current_model(state), self._current_others(rules, state)
        now = int(state.now.timestamp())
        parts, held = (loaded, catalogue, rules, others), self._parts
        is_same = all(part is other for part, other in zip(parts, held, strict=True))
        is_due = not is_same or now >= self.current.snapshot.valid_until
        if is_due:
            before = self.current.snapshot if self.current.generation() else None
            snapshot = Snapshot.of(
                catalogue, loaded, self.recency, rules=rules, others=others.values(), at=now,
                before=before,
            )  # fmt: skip
            self.current.swap(snapshot)
        version = loaded.version if loaded else None
        metrics.serve_model(version, self._loaded.version if self._loaded else None)
        metrics.workers_behind.set(version != state.active.version)
        self.loader.forget_all_but({state.active.version, *rules.models})
        self.state, self._loaded, self._catalogue = state, loaded, catalogue
        self._rules, self._others = rules, others
        metrics.record_drift(self.drift())
        metrics.ratings.set(int(self.current.snapshot.catalogue.ratings.sum()))
        return is_due

    def _current_model(self, state: ServingState) -> LoadedModel | None:
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
        loaded = self._others.get(version) or self.loader.load(version, self._wait_s)
        if loaded:
            logger.info("serving model %s", version)
            return loaded
        self._retry_at = monotonic() + self.loader.retry_s(version)
        if held:
            if not self.loader.is_copying(version):
                logger.error("model %s stays in service", held.version)
            return held
        return self._fall_back(state.active.previous)

    def _fall_back(self, previous: str | None) -> LoadedModel | None:
        loaded = self.loader.load(previous, self._wait_s) if previous else None
        if loaded:
            logger.error("FALLING BACK to the previous model %s", previous)
        elif not self.loader.is_copying_any:
            logger.error("NO MODEL could be loaded: serving popular movies only")
        return loaded

    @property
    def _wait_s(self) -> float:
        """How long a poll waits for the copy of a model: only the first one does."""
        return self.start_s if self.state is None else 0.0

    def _reload_copied(self) -> None:
        if self._poller.is_running:
            self.reload()

    @property
    def _parts(self) -> tuple[object, ...]:
        """What the snapshot was made from."""
        return self._loaded, self._catalogue, self._rules, self._others

    def _current_rules(self, connection: Connection, state: ServingState) -> Rules:
        held = self._rules
        if held is None or self.state is None or self.state.rules_revision != state.rules_revision:
            return read_rules(connection)
        return held

    def _current_others(self, rules: Rules, state: ServingState) -> Mapping[str, LoadedModel]:
        """Return the models of arms of experiments; one that cannot be loaded is tried again."""
        held, wanted, now = self._others, rules.models - {state.active.version}, monotonic()
        missing = wanted - held.keys()
        due = [each for each in missing if now >= self._retry_others_at.get(each, 0.0)]
        tried = {version: self.loader.load(version, self._wait_s) for version in due}
        failed = [each for each in due if tried[each] is None]
        self._retry_others_at |= {each: now + self.loader.retry_s(each) for each in failed}
        loaded = {version: model for version, model in tried.items() if model}
        others = {each: model for each, model in held.items() if each in wanted} | loaded
        return held if others.keys() == held.keys() else others

    def _current_catalogue(self, connection: Connection, state: ServingState) -> Catalogue:
        held = self._catalogue
        if held is None:
            return Catalogue.of(read_movies(connection), self._current_counts(connection, state))
        counted = self._current_counts(connection, state, held.counts)
        if _movies_differ(state, self.state):
            return Catalogue.of(read_movies(connection), counted)
        return held if counted is held.counts else held.counted(counted)

    def _current_counts(
        self, connection: Connection, state: ServingState, held: Counts | None = None
    ) -> Counts:
        """Return the shared counts if they fit, otherwise those held, or own ones at the start.

        Shared counts of another release or settings will soon be replaced, and are not used.
        """
        shared = state.counted
        if shared is not None and self._fits(shared, state):
            if held is not None and held.generation == shared.name:
                return held
            return counts.read(connection, shared)
        return held or counts.count(connection, self._basis(state))

    def _fits(self, shared: Generation, state: ServingState) -> bool:
        return shared.basis.imported == state.imported and self._suits(shared.basis)

    def _suits(self, basis: Basis) -> bool:
        """Tell whether counts were made with the settings of this worker, or hold what it needs."""
        share = self.recency.counted_share
        same_share = not share or basis.recent_share == share
        return basis.like_threshold == self.like_threshold and same_share and basis.by_time

    def _basis(self, state: ServingState) -> Basis:
        return state.basis(self.like_threshold, self.recency.counted_share)

    def _recount_is_due(self, state: ServingState) -> bool:
        """Tell whether to count now, by the clock of the database, which may be set back."""
        shared = state.counted
        may_insist = monotonic() >= self._insist_at
        if shared is None:
            return may_insist
        age_s = (state.now - shared.begun_at).total_seconds()
        begun_lately = 0 <= age_s < _pause_s(shared.took_s)
        if begun_lately and shared.claimed != shared.name:
            return False  # another worker is counting
        if shared.basis.imported != state.imported:
            return True
        if not self._suits(shared.basis):
            return may_insist  # workers with both settings may run for a while
        return shared.basis.ratings_revision != state.ratings_revision and not begun_lately

    def _claim(self, shared: Generation, name: str) -> bool:
        with self.database.unit_of_work() as connection:
            return counts.claim(connection, shared, name)

    def _count(self, state: ServingState, held: Counts) -> Counts:
        if held.generation is None and held.basis.imported == state.imported:
            return held  # counted at the start of this worker
        with self.database.read(JOBS.statement_s) as connection:
            basis = self._basis(repository.serving_state(connection))
            return counts.count(connection, basis)


def _pause_s(took_s: float) -> float:
    """Return the least time between the beginnings of two counts."""
    return max(RECOUNT_S, RECOUNT_SHARE * took_s)


def _movies_differ(one: ServingState, other: ServingState | None) -> bool:
    return other is None or (one.movies_revision, one.imported) != (
        other.movies_revision,
        other.imported,
    )

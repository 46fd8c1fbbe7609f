"""Keeps in memory what is served, and follows the database."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock
from time import monotonic

from app import metrics
from app.database import Database
from app.errors import NotReadyError
from app.following import Follower
from app.models import repository as models
from app.models.drift import UNKNOWN, Drift, Origin
from app.movies.catalogue import Catalogue
from app.recommendations import repository
from app.recommendations.repository import ServingState
from app.recommendations.snapshot import LoadedModel, Snapshot
from model import artifact

logger = logging.getLogger(__name__)

# A new model is to be served within 2 s by every worker; this leaves one second to load it.
POLL_S = 1.0
# A refused model is tried again: its files may be on their way, on a disk that was away.
RETRY_S = 30.0
# Counting likes reads all ratings. Rated films disappear at once all the same; only the order and
# the scores of popular films wait.
RECOUNT_S = 60.0
# Counting again takes no more than a twentieth of the time, however large the table.
RECOUNT_SHARE = 20


class ModelServer:
    """Gives snapshots of model and catalogue; threads swap in a new one when either changes.

    One thread follows the model and the films, another one counts likes, so that counting in a
    large table keeps no model waiting.

    The model changes when the database names another active version. One that is damaged is
    refused, and the model in memory stays; a service that starts with a damaged one takes the
    version before it.
    """

    def __init__(self, database: Database, models_dir: Path, like_threshold: float) -> None:
        self.database = database
        self.models_dir = models_dir
        self.like_threshold = like_threshold
        self.state: ServingState | None = None
        self._snapshot: Snapshot | None = None
        self._loaded: LoadedModel | None = None
        self._catalogue: Catalogue | None = None
        self._retry_at: float | None = None
        self._counted: ServingState | None = None
        self._recount_at = 0.0
        self._swapping, self._counting = Lock(), Lock()
        trouble = "cannot follow the database; serving goes on with what is loaded"
        self._follower = Follower("model-server", self.follow, POLL_S, trouble)
        trouble = "cannot count likes; popular films stay in the order that they have"
        self._counter = Follower("like-counter", self.recount, POLL_S, trouble)

    @property
    def snapshot(self) -> Snapshot:
        """What to answer from."""
        if self._snapshot is None:
            raise NotReadyError("The films could not be read from the database yet.")
        return self._snapshot

    @property
    def held(self) -> Snapshot | None:
        """What answers are made from at the moment, None before the films are read."""
        return self._snapshot

    def start(self) -> None:
        """Load what is to be served, and follow it from now on."""
        self._follower.start()
        self._counter.start()

    def stop(self) -> None:
        """End following."""
        self._follower.stop()
        self._counter.stop()

    def take_over(self) -> None:
        """Make a change count in this process at once; a failure is logged, and tried again."""
        self._follower.look_now()

    def refresh(self) -> None:
        """Take over all that has changed in the database."""
        self.follow()
        self.recount()

    def follow(self) -> None:
        """Take over another model, and films that are new or were changed."""
        with self._swapping:
            with self.database.read() as connection:
                state = repository.serving_state(connection)
            loaded, catalogue = self._follow_model(state), self._follow_films(state)
            if loaded is not self._loaded or catalogue is not self._catalogue:
                self._snapshot = Snapshot.of(catalogue, loaded)
            version = loaded.version if loaded else None
            metrics.serve_model(version, self._loaded.version if self._loaded else None)
            self.state, self._loaded, self._catalogue = state, loaded, catalogue
            metrics.record_drift(self.drift())

    def recount(self) -> None:
        """Count likes again where ratings have changed since, and the last time is long enough ago.

        The ratings of another release count at once.
        """
        with self._counting:
            if not self._recount_is_due():
                return
            begin = monotonic()
            with self.database.read() as connection:
                counted = repository.serving_state(connection)
                catalogue = Catalogue.load(connection, self.like_threshold)
            with self._swapping:
                if _films_differ(counted, self.state):  # they were taken over meanwhile
                    with self.database.read() as connection:
                        catalogue = catalogue.with_films(connection)
                self._catalogue = catalogue
                self._snapshot = Snapshot.of(catalogue, self._loaded)
            self._note_count(counted, begin)

    def drift(self) -> Drift:
        """Say how far the ratings have gone from those that the served model was trained on."""
        if self._loaded is None:
            return UNKNOWN
        origin, snapshot = self._loaded.origin, self.snapshot
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
            logger.error("NO MODEL could be loaded: serving popular films only")
        return loaded

    def _load(self, version: str) -> LoadedModel | None:
        try:
            with self.database.read() as connection:
                checksum = models.checksum(connection, version)
                salt = models.holdout_salt(connection)
            loaded = artifact.load(self.models_dir / version, sha256=checksum)
            return LoadedModel.of(version, loaded.rbm, Origin.of(loaded.card, salt))
        except Exception:  # whatever is wrong with it, the service must not go down with it
            logger.exception("REFUSED model %s", version)
            return None

    def _follow_films(self, state: ServingState) -> Catalogue:
        if self._catalogue is None:
            begin = monotonic()
            with self.database.read() as connection:
                catalogue = Catalogue.load(connection, self.like_threshold)
            self._note_count(state, begin)
            return catalogue
        if not _films_differ(state, self.state):
            return self._catalogue
        with self.database.read() as connection:
            return self._catalogue.with_films(connection)

    def _note_count(self, counted: ServingState, begin: float) -> None:
        end = monotonic()
        self._counted = counted
        self._recount_at = end + max(RECOUNT_S, RECOUNT_SHARE * (end - begin))

    def _recount_is_due(self) -> bool:
        counted, state = self._counted, self.state
        if counted is None or state is None:
            return False  # the first catalogue is on its way, with its counts
        if state.imported != counted.imported:
            return True
        return (
            state.ratings_revision != counted.ratings_revision and monotonic() >= self._recount_at
        )


def _films_differ(one: ServingState, other: ServingState | None) -> bool:
    return other is None or (one.movies_revision, one.imported) != (
        other.movies_revision,
        other.imported,
    )

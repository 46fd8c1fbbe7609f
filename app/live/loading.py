"""Models as a worker reads them; from a remote store they are copied in threads of their own."""

import logging
from collections.abc import Callable, Collection
from threading import Event, Thread
from urllib.parse import urlsplit

from app.core import metrics
from app.core.polling import Poller
from app.db.engine import Database
from app.db.model_versions import checksum, holdout_salt
from app.live.drift import Origin
from app.live.snapshot import LoadedModel
from app.store.errors import ModelStoreUnavailableError
from app.store.folder import Copy, ModelStore
from app.store.remote import RemoteStore
from model import artifact

logger = logging.getLogger(__name__)

# A refused model is tried again: its disk may be back, or its files complete.
RETRY_S = 30.0
# A store that was away is asked again sooner.
AWAY_RETRY_S = 5.0
# So often a remote store is asked whether it answers.
PROBE_S = 10.0


class ModelLoader:
    """Loads models; whatever is wrong with one, the service goes on."""

    def __init__(self, database: Database, store: ModelStore, copied: Callable[[], None]) -> None:
        """Take note of what to call when the copy of a model is made, or cannot be."""
        self.database = database
        self.store = store
        self.is_away = False  # the store, as far as that is known
        self._copied = copied
        self._fetches: dict[str, _Fetch] = {}
        self._probed: str | None = None
        self._poller = Poller("model-store", self.probe, PROBE_S, "cannot watch the model store")

    def start(self) -> None:
        """Watch a remote store from now on."""
        if self.store.is_remote:
            self._poller.start(poll_now=False)

    def stop(self) -> None:
        """Stop watching."""
        self._poller.stop()

    def load(self, version: str, wait_s: float) -> LoadedModel | None:
        """Return a model; None if it is refused, or is not copied within this time."""
        try:
            with self.database.read() as connection:
                sha256 = checksum(connection, version)
                salt = holdout_salt(connection)
            copy = self._copy(version, sha256, wait_s)
            if copy is None:
                return None
            loaded = artifact.load(copy.folder, sha256=sha256)
            return LoadedModel.of(version, loaded.rbm, Origin.of(loaded.card, salt), copy)
        except ModelStoreUnavailableError as error:
            self._note(error)
        except Exception:
            logger.exception("REFUSED model %s", version)
            metrics.models_refused.inc()
        return None

    def is_copying(self, version: str) -> bool:
        """Tell whether a model is being copied."""
        return version in self._fetches

    @property
    def is_copying_any(self) -> bool:
        """True while a model is being copied."""
        return bool(self._fetches)

    def retry_s(self, version: str) -> float:
        """Return when to try again what was not loaded."""
        if self.is_copying(version):
            return 0.0
        return AWAY_RETRY_S if self.is_away else RETRY_S

    def forget_all_but(self, versions: Collection[str | None]) -> None:
        """Let go of copies that were made for a model which is not wanted any more."""
        for version in self._fetches.keys() - versions:
            if self._fetches[version].finished.is_set():
                del self._fetches[version]

    def probe(self) -> None:
        """Ask a remote store whether it answers."""
        if isinstance(self.store, RemoteStore) and self._probed is not None:
            try:
                self.store.probe(self._probed)
            except ModelStoreUnavailableError as error:
                self._note(error)
            else:
                self._note(None)

    def _copy(self, version: str, sha256: str, wait_s: float) -> Copy | None:
        if not self.store.is_remote:
            return self.store.hold(version, sha256)
        self._probed = version
        fetch = self._fetches.get(version)
        if fetch is None:
            fetch = _Fetch(self.store, version, sha256, self._copied)
            self._fetches[version] = fetch
        if not fetch.finished.wait(wait_s):
            return None
        del self._fetches[version]
        if fetch.error is not None:
            raise fetch.error
        return fetch.copy

    def _note(self, error: ModelStoreUnavailableError | None) -> None:
        """Say so when the store goes away, and when it is back."""
        if error is not None and not self.is_away:
            logger.error("%s; the loaded model stays in service", error)
        if error is None and self.is_away:
            logger.warning("the store of the models answers again")
        self.is_away = error is not None
        if isinstance(self.store, RemoteStore):
            scheme = urlsplit(self.store.remote.url).scheme
            metrics.model_store_up.labels(scheme).set(not self.is_away)


class _Fetch:
    """The copy of a model, made in a thread, which does not keep the process from ending."""

    def __init__(
        self, store: ModelStore, version: str, sha256: str, done: Callable[[], None]
    ) -> None:
        self.finished = Event()
        self.copy: Copy | None = None
        self.error: Exception | None = None
        self._arguments = store, version, sha256, done
        Thread(target=self._run, name=f"copy-{version}", daemon=True).start()

    def _run(self) -> None:
        store, version, sha256, done = self._arguments
        try:
            self.copy = store.hold(version, sha256)
        except Exception as error:
            self.error = error
        self.finished.set()
        done()

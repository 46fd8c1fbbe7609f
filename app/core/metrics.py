"""Metrics for Prometheus: requests, model, response cache, fallbacks, scoring time, feedback.

Several workers share their metrics in files (`share_between_workers`); each worker answers
`/metrics` for all.
"""

import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from math import nan
from time import perf_counter, sleep
from typing import Any, NamedTuple

import prometheus_client
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

# The variable that prometheus_client itself reads, when it is imported.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

# From a cached response to a timeout of the client.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
# A worker creates and fills a file within a millisecond; a busy machine may take longer.
READ_AGAIN, READ_AGAIN_S = 20, 0.01
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Drift(NamedTuple):
    """How much the ratings have changed since the model was trained; NaN if unknown."""

    age_s: float
    """Seconds since the training read the ratings."""
    ratings_since: float
    """How many more ratings there are."""
    unknown_share: float
    """Share of the ratings on movies that the model does not know, 0 to 1."""


UNKNOWN = Drift(nan, nan, nan)

own_registry = CollectorRegistry()

requests = Counter(
    "recommender_http_requests",
    "Requests by route template.",
    ["method", "route", "status"],
    registry=own_registry,
)
request_seconds = Histogram(
    "recommender_http_request_seconds",
    "Time from a request to the end of its response.",
    ["method", "route"],
    buckets=SECONDS,
    registry=own_registry,
)
scoring_seconds = Histogram(
    "recommender_scoring_seconds",
    "Time to score all movies for one user.",
    buckets=SECONDS,
    registry=own_registry,
)
cache_requests = Counter(
    "recommender_cache_requests",
    "Lookups in the response cache, by outcome.",
    ["outcome"],
    registry=own_registry,
)
refusals = Counter(
    "recommender_refused_requests",
    "Requests that were refused because a worker had too many, by lane.",
    ["lane"],
    registry=own_registry,
)
connections = Gauge(
    "recommender_connections",
    "Open connections.",
    multiprocess_mode="livesum",
    registry=own_registry,
)
dropped_connections = Counter(
    "recommender_dropped_connections",
    "Connections and requests that were closed or refused before the routing, by reason.",
    ["reason"],
    registry=own_registry,
)
# Shown from the start, as 0, so that their rates can be computed from the first one on.
for _lane in ("reads", "writes", "operators"):
    refusals.labels(_lane)
for _reason in ("invalid", "slow", "idle", "too_many", "no_descriptor"):
    dropped_connections.labels(_reason)
fallbacks = Counter(
    "recommender_fallbacks",
    "Lists that are not personal, by fallback reason.",
    ["reason"],
    registry=own_registry,
)
feedback = Counter(
    "recommender_feedback",
    "Feedback recorded, by kind and by model, scenario and place of the list.",
    ["kind", "model", "scenario", "place"],
    registry=own_registry,
)
model_workers = Gauge(
    "recommender_model_workers",
    "Workers that serve this model version; `none` is popular movies only.",
    ["version"],
    multiprocess_mode="livesum",
    registry=own_registry,
)
workers_behind = Gauge(
    "recommender_workers_behind",
    "Workers that serve another model than the database names.",
    multiprocess_mode="livesum",
    registry=own_registry,
)
models_refused = Counter(
    "recommender_models_refused",
    "Attempts to load a model that was damaged or could not be read.",
    registry=own_registry,
)
model_store_up = Gauge(
    "recommender_model_store_up",
    "1 while the remote store of the models answers, else 0; only where there is one.",
    ["scheme"],
    multiprocess_mode="livemin",
    registry=own_registry,
)
model_age_seconds = Gauge(
    "recommender_model_age_seconds",
    "Time since the training of the served model read the ratings.",
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
ratings_since_model = Gauge(
    "recommender_ratings_since_model",
    "Ratings added since then, less those deleted.",
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
unknown_ratings_share = Gauge(
    "recommender_unknown_film_ratings_share",
    "Share of all ratings on movies that the served model does not know.",
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
database_up = Gauge(
    "recommender_database_up",
    "1 while the database answers the polls, of the worker that fares worst; else 0.",
    multiprocess_mode="livemin",
    registry=own_registry,
)
ratings = Gauge(
    "recommender_ratings",
    "Ratings as they were last counted.",
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
disk_free_bytes = Gauge(
    "recommender_disk_free_bytes",
    "Room that is left on the disk of a folder: `models`, `database` (SQLite), `temporary`.",
    ["folder"],
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
disk_size_bytes = Gauge(
    "recommender_disk_size_bytes",
    "Size of that disk.",
    ["folder"],
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
training_failures = Gauge(
    "recommender_training_failures",
    "Training runs that have failed since the last one that published or was refused.",
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
backup_age_seconds = Gauge(
    "recommender_backup_age_seconds",
    "Time since the last good back-up read the ratings; NaN if there is none on record.",
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
backup_overdue_seconds = Gauge(
    "recommender_backup_overdue_seconds",
    "Time since the next scheduled back-up should have been there, below 0 before; NaN without.",
    multiprocess_mode="livemostrecent",
    registry=own_registry,
)
ProcessCollector(registry=own_registry)


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that was answered."""
    if method not in METHODS:
        method = "other"  # a client can invent any number of methods
    counter, histogram = _of_route(method, route, status)
    counter.inc()
    histogram.observe(seconds)


def count_cache(outcome: str) -> None:
    """Count a use of the response cache: `hit` or `miss`."""
    _of_outcome(outcome).inc()


def count_refusal(lane: str) -> None:
    """Count a request that was refused because the lane was full."""
    refusals.labels(lane).inc()


def count_dropped_connection(reason: str) -> None:
    """Count a connection, or its request, that was closed or refused before the routing."""
    dropped_connections.labels(reason).inc()


def count_fallback(reason: str) -> None:
    """Count a list that is not personal, by its fallback reason."""
    fallbacks.labels(reason).inc()


def count_feedback(kind: str, model: str, scenario: str, place: str, number: int) -> None:
    """Count feedback that was recorded."""
    feedback.labels(kind, model, scenario, place).inc(number)


@contextmanager
def time_scoring() -> Iterator[None]:
    """Measure how long it takes to score all movies for one user."""
    begin = perf_counter()
    yield
    scoring_seconds.observe(perf_counter() - begin)


def serve_model(version: str | None, before: str | None) -> None:
    """Record which model this worker serves from now on, in place of which."""
    if before != version:
        model_workers.labels(before or "none").set(0)
    model_workers.labels(version or "none").set(1)


def record_drift(drift: Drift) -> None:
    """Record how much the ratings have changed since the model was trained."""
    model_age_seconds.set(drift.age_s)
    ratings_since_model.set(drift.ratings_since)
    unknown_ratings_share.set(drift.unknown_share)


def record_backups(age_s: float, overdue_s: float) -> None:
    """Record how old the last good back-up is, and for how long the next one is due."""
    backup_age_seconds.set(age_s)
    backup_overdue_seconds.set(overdue_s)


def record_disk(folder: str, *, free: int, size: int) -> None:
    """Record how much room there is on the disk of a folder, in bytes."""
    disk_free_bytes.labels(folder).set(free)
    disk_size_bytes.labels(folder).set(size)


def exposition() -> bytes:
    """Return all metrics in the text format of Prometheus."""
    return prometheus_client.generate_latest(_registry())


def families() -> Iterable[Metric]:
    """Return all metrics."""
    return _registry().collect()


def share_between_workers() -> "tempfile.TemporaryDirectory[str]":
    """Make workers that start from now on share their metrics in a new folder."""
    folder = tempfile.TemporaryDirectory(prefix="recommender-metrics-")
    os.environ[SHARED_FOLDER] = folder.name
    return folder


def forget_worker(pid: int) -> None:
    """Remove the gauges of a worker that has ended."""
    mark_process_dead(pid, os.environ[SHARED_FOLDER])  # type: ignore[no-untyped-call]


def serve_on(address: str, port: int) -> Any:
    """Serve the metrics on a separate port, in a thread; return the server."""
    server, _thread = prometheus_client.start_http_server(port, address, registry=_registry())
    return server


def _registry() -> CollectorRegistry:
    folder = os.environ.get(SHARED_FOLDER)
    if not folder:
        return own_registry
    shared = CollectorRegistry()
    _WorkersCollector(shared, path=folder)  # type: ignore[no-untyped-call]
    return shared


class _WorkersCollector(MultiProcessCollector):
    """Reads the files of the workers; again while one of them is still empty."""

    def collect(self) -> Any:
        for _ in range(READ_AGAIN):
            try:
                return super().collect()  # type: ignore[no-untyped-call]
            except struct.error:
                sleep(READ_AGAIN_S)
        return super().collect()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=4096)  # finding a child by its labels takes longer than counting
def _of_route(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return requests.labels(method, route, status), request_seconds.labels(method, route)


@lru_cache
def _of_outcome(outcome: str) -> Counter:
    return cache_requests.labels(outcome)

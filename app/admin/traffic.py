"""Traffic and latency since the service started, read from the figures that Prometheus reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, isnan

from prometheus_client.samples import Sample

from app.core import metrics

# What watches the service, or shows it, is not the traffic that it is there for.
OWN_ROUTES = ("/admin", "/docs", "/health/", "/metrics", "/openapi.json", "/static/")
NO_ROUTE = "-"
ROUTES_SHOWN = 8
DRIFT = (
    "recommender_model_age_seconds",
    "recommender_ratings_since_model",
    "recommender_unknown_film_ratings_share",
)

# Requests no slower than so many seconds, for each of these bounds.
Buckets = Counter[float]
Samples = defaultdict[str, list[Sample]]  # by name


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests to one route, or to all; `slowest` is the last bound that was measured with."""

    name: str
    n: int
    n_failed: int
    median_s: float | None
    p95_s: float | None
    slowest_s: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the service was asked since it started, by all workers together."""

    total: Flow
    routes: list[Flow]
    cached_share: float | None
    n_fallbacks: int
    workers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far the ratings have gone from those that the served model was trained on."""

    age_s: float
    ratings_since: float
    unknown_share: float


def read_traffic() -> tuple[Traffic, Drift | None]:
    """Sum up the figures of all workers; no drift where no model is served."""
    samples: Samples = defaultdict(list)  # what no worker has counted yet is missing
    for family in metrics.families():
        for sample in family.samples:
            samples[sample.name].append(sample)
    counts, failures = _requests(samples["recommender_http_requests_total"])
    buckets = _buckets(samples["recommender_http_request_seconds_bucket"])
    of_all = Buckets()
    for each in buckets.values():
        of_all.update(each)
    outcomes = _by_label(samples["recommender_cache_requests_total"], "outcome")
    kept = outcomes["hit"] + outcomes["not_modified"]
    workers = _by_label(samples["recommender_model_workers"], "version")
    flows = [_flow(name, counts[name], failures[name], buckets[name]) for name in counts]
    traffic = Traffic(
        _flow("all", counts.total(), failures.total(), of_all),
        sorted(flows, key=lambda flow: -flow.n)[:ROUTES_SHOWN],
        kept / outcomes.total() if outcomes.total() else None,
        _by_label(samples["recommender_fallbacks_total"], "reason").total(),
        {version: n for version, n in workers.items() if n},
    )
    return traffic, _drift(samples)


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Estimate how many seconds this share of requests took at most, as Prometheus does.

    Infinite beyond the last bound, None without requests.
    """
    bounds = sorted(buckets)
    if not bounds or not buckets[bounds[-1]]:
        return None
    wanted = share * buckets[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted and buckets[bound] > below:
            if bound == inf:
                return inf
            return lower + (bound - lower) * (wanted - below) / (buckets[bound] - below)
        lower, below = bound, buckets[bound]
    return None


def _requests(samples: Iterable[Sample]) -> tuple[Counter[str], Counter[str]]:
    """Count requests and failures of the service by method and route."""
    counts: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for sample in samples:
        if name := _name(sample.labels):
            counts[name] += int(sample.value)
            if sample.labels["status"].startswith("5"):
                failures[name] += int(sample.value)
    return counts, failures


def _buckets(samples: Iterable[Sample]) -> defaultdict[str, Buckets]:
    buckets: defaultdict[str, Buckets] = defaultdict(Counter)
    for sample in samples:
        if name := _name(sample.labels):
            buckets[name][float(sample.labels["le"])] += int(sample.value)
    return buckets


def _name(labels: Mapping[str, str]) -> str | None:
    route = labels["route"]
    if route == NO_ROUTE:
        return "no such path"
    return None if route.startswith(OWN_ROUTES) else f"{labels['method']} {route}"


def _flow(name: str, n: int, n_failed: int, buckets: Buckets) -> Flow:
    return Flow(
        name, n, n_failed, quantile(buckets, 0.5), quantile(buckets, 0.95), metrics.SECONDS[-1]
    )


def _by_label(samples: Iterable[Sample], label: str) -> Counter[str]:
    values: Counter[str] = Counter()
    for sample in samples:
        values[sample.labels[label]] += int(sample.value)
    return values


def _drift(samples: Samples) -> Drift | None:
    values = [sample.value for name in DRIFT for sample in samples[name]]
    # No numbers while no model is served; an age of 0 before the first look.
    if len(values) < len(DRIFT) or not values[0] or any(map(isnan, values)):
        return None
    return Drift(*values)

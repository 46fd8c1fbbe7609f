"""Traffic and latency since the service started, from the metrics of Prometheus."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf, isnan
from operator import itemgetter

from prometheus_client.samples import Sample

from app.core import metrics

# Routes of operation, which do not count as traffic of the service.
OWN_ROUTES = ("/admin", "/docs", "/health/", "/metrics", "/openapi.json", "/static/")
NO_ROUTE = "-"
ROUTES_SHOWN = 8
DRIFT = (
    "recommender_model_age_seconds",
    "recommender_ratings_since_model",
    "recommender_unknown_film_ratings_share",
)

# Number of requests that took at most so many seconds, by bound.
Buckets = Counter[float]
Samples = defaultdict[str, list[Sample]]  # by name


@dataclass(frozen=True, slots=True)
class Flow:
    """Requests to one route, or to all; `slowest_s` is the last bound of the histogram."""

    name: str
    n: int
    n_failed: int
    median_s: float | None
    p95_s: float | None
    slowest_s: float


@dataclass(frozen=True, slots=True)
class Traffic:
    """All requests since the service started, of all workers together."""

    total: Flow
    routes: list[Flow]
    cached_share: float | None
    n_fallbacks: int
    workers: dict[str, int]


def read_traffic() -> tuple[Traffic, metrics.Drift | None]:
    """Sum the metrics of all workers; no drift when no model is served."""
    samples: Samples = defaultdict(list)  # metrics without a value yet are missing
    for family in metrics.families():
        for sample in family.samples:
            samples[sample.name].append(sample)
    requests = samples["recommender_http_requests_total"]
    counts = _sum(requests, _name)
    failures = _sum((s for s in requests if s.labels["status"].startswith("5")), _name)
    buckets = _buckets(samples["recommender_http_request_seconds_bucket"])
    of_all = Buckets()
    for each in buckets.values():
        of_all.update(each)
    outcomes = _sum(samples["recommender_cache_requests_total"], itemgetter("outcome"))
    workers = _sum(samples["recommender_model_workers"], itemgetter("version"))
    flows = [_flow(name, counts[name], failures[name], buckets[name]) for name in counts]
    traffic = Traffic(
        _flow("all", counts.total(), failures.total(), of_all),
        sorted(flows, key=lambda flow: -flow.n)[:ROUTES_SHOWN],
        outcomes["hit"] / outcomes.total() if outcomes.total() else None,
        _sum(samples["recommender_fallbacks_total"], itemgetter("reason")).total(),
        {version: n for version, n in workers.items() if n},
    )
    return traffic, _drift(samples)


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Estimate a quantile of the seconds per request, as Prometheus does.

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


def _sum(
    samples: Iterable[Sample], name_of: Callable[[Mapping[str, str]], str | None]
) -> Counter[str]:
    """Add up samples by a name from their labels, without those that have none."""
    sums: Counter[str] = Counter()
    for sample in samples:
        if name := name_of(sample.labels):
            sums[name] += int(sample.value)
    return sums


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


def _drift(samples: Samples) -> metrics.Drift | None:
    values = [sample.value for name in DRIFT for sample in samples[name]]
    # NaN while no model is served; an age of 0 before the first poll.
    if len(values) < len(DRIFT) or not values[0] or any(map(isnan, values)):
        return None
    return metrics.Drift(*values)

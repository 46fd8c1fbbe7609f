"""The dashboard for Grafana: `python -m deploy.grafana.generate` writes dashboard.json."""

import json
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parent / "dashboard.json"
WIDTH, HEIGHT, ACROSS = 8, 7, 3
SOURCE = {"type": "prometheus", "uid": "${source}"}

LISTS = 'route="/recommendations/{user}"'
FIVE, CODE = 'status=~"5.."', 'code="5xx"'


class Panel(NamedTuple):
    """A graph over time, or one number."""

    title: str
    unit: str
    queries: dict[str, str]
    """By what the legend calls them."""
    about: str = ""
    kind: str = "timeseries"


def rate(counter: str, labels: str = "", by: str = "") -> str:
    """Ask how much a counter rises in a second, in all or for each value of a label."""
    return f"sum{f' by ({by})' if by else ''} (rate({counter}{{{labels}}}[$__rate_interval]))"


def times(histogram: str, labels: str = "") -> dict[str, str]:
    """Ask within which times half of all ends, and nearly all."""
    counted = rate(f"{histogram}_bucket", labels, by="le")
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: f"histogram_quantile({share}, {counted})" for name, share in shares.items()}


REQUESTS = "recommender_http_requests_total"
REFUSED = "recommender_refused_requests_total"
CACHE = "recommender_cache_requests_total"
PROXY = "haproxy_frontend_http_responses_total"
REPLICAS = "haproxy_server_http_responses_total"

NO_PROBE = 'route!~"/health/.*"'
ANSWERED = rate(REQUESTS, NO_PROBE)
FAILED = f"({rate(REQUESTS, f'{NO_PROBE},{FIVE}')} - ({rate(REFUSED)} or vector(0)))"
HITS = rate(CACHE, 'outcome="hit"')
PUBLIC = 'proxy="public"'
OWN_ERRORS = f"{rate(PROXY, f'{PUBLIC},{CODE}')} - {rate(REPLICAS, CODE)}"

ROWS: dict[str, list[Panel]] = {
    "Now": [
        Panel("Requests a second", "reqps", {"": ANSWERED}, kind="stat"),
        Panel("Failed requests", "percentunit", {"": f"{FAILED} / {ANSWERED}"}, kind="stat"),
        Panel(
            "Alerts that fire",
            "short",
            {"": 'count(ALERTS{alertstate="firing",alertname=~"Recommender.*"}) or vector(0)'},
            "What to do: docs/observability.md.",
            kind="stat",
        ),
    ],
    "Requests": [
        Panel("Requests by status", "reqps", {"{{status}}": rate(REQUESTS, by="status")}),
        Panel("Requests by route", "reqps", {"{{route}}": rate(REQUESTS, by="route")}),
        Panel("Time of recommendations", "s", times("recommender_http_request_seconds", LISTS)),
        Panel("Time to score all movies", "s", times("recommender_scoring_seconds")),
        Panel(
            "Cached responses",
            "percentunit",
            {"hits": f"{HITS} / {rate(CACHE)}"},
        ),
        Panel(
            "Refused requests",
            "reqps",
            {"{{lane}}": rate(REFUSED, by="lane")},
            "503 with Retry-After, since a worker had too many.",
        ),
        Panel(
            "Open connections",
            "short",
            {"{{instance}}": "sum by (instance) (recommender_connections)"},
        ),
        Panel(
            "Dropped connections",
            "cps",
            {"{{reason}}": rate("recommender_dropped_connections_total", by="reason")},
        ),
        Panel(
            "Lists that are not personal",
            "reqps",
            {"{{reason}}": rate("recommender_fallbacks_total", by="reason")},
            "`unknown_user` is normal, `no_model` is a problem.",
        ),
        Panel("Feedback", "cps", {"{{kind}}": rate("recommender_feedback_total", by="kind")}),
    ],
    "Proxy": [
        Panel("Responses", "reqps", {"{{code}}": rate(PROXY, PUBLIC, by="code")}),
        Panel(
            "Errors of the proxy itself",
            "reqps",
            {"5xx": OWN_ERRORS},
            "What no replica has answered.",
        ),
        Panel(
            "Replicas that are ready",
            "short",
            {"replicas": 'min(haproxy_backend_active_servers{proxy="reads"})'},
        ),
        Panel(
            "Requests that wait for a replica",
            "short",
            {"{{proxy}}": "sum by (proxy) (haproxy_backend_current_queue)"},
        ),
    ],
    "Model and data": [
        Panel(
            "Workers by model",
            "short",
            {"{{version}}": "sum by (version) (recommender_model_workers) > 0"},
            "`none` serves popular movies only.",
        ),
        Panel(
            "Workers behind the active model",
            "short",
            {"{{instance}}": "sum by (instance) (recommender_workers_behind)"},
        ),
        Panel(
            "Models refused",
            "short",
            {"{{instance}}": "increase(recommender_models_refused_total[1h])"},
            "Within an hour: damaged, or could not be read.",
        ),
        Panel("Store of the models", "short", {"{{instance}}": "recommender_model_store_up"}),
        Panel("Age of the model", "s", {"age": "min(recommender_model_age_seconds)"}),
        Panel(
            "Ratings",
            "short",
            {
                "all": "max(recommender_ratings)",
                "since the training": "max(recommender_ratings_since_model)",
            },
        ),
        Panel(
            "Ratings on movies that the model does not know",
            "percentunit",
            {"share": "max(recommender_unknown_film_ratings_share)"},
        ),
        Panel(
            "Trainings that failed in a row",
            "short",
            {"failed": "max(recommender_training_failures)"},
        ),
    ],
    "Upkeep": [
        Panel("Database", "short", {"{{instance}}": "recommender_database_up"}),
        Panel(
            "Room on the disks",
            "percentunit",
            {
                "{{folder}} of {{instance}}": "recommender_disk_free_bytes / "
                "recommender_disk_size_bytes"
            },
        ),
        Panel(
            "Back-up",
            "s",
            {
                "age of the last good one": "max(recommender_backup_age_seconds)",
                "overdue": "max(recommender_backup_overdue_seconds) > 0",
            },
        ),
        Panel(
            "Memory",
            "bytes",
            {"{{job}} {{instance}}": 'process_resident_memory_bytes{job!="prometheus"}'},
            "Of services with one worker.",
        ),
        Panel(
            "Processor",
            "percentunit",
            {
                "{{job}} {{instance}}": "rate(process_cpu_seconds_total"
                '{job!="prometheus"}[$__rate_interval])'
            },
            "Of services with one worker; 100% is one core.",
        ),
        Panel("Replicas that can be reached", "short", {"{{instance}}": 'up{job="recommender"}'}),
    ],
}


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana reads it."""
    panels: list[dict[str, Any]] = []
    y = 0
    for title, row in ROWS.items():
        panels.append(_row(len(panels), title, y))
        for i, panel in enumerate(row):
            place = {"x": WIDTH * (i % ACROSS), "y": y + 1 + HEIGHT * (i // ACROSS)}
            panels.append(_panel(len(panels), panel, place))
        y += 1 + HEIGHT * -(-len(row) // ACROSS)
    return {
        "uid": "recommender",
        "title": "Recommender",
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_choice_of_source()]},
        "annotations": {"list": []},
        "panels": panels,
    }


def _choice_of_source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _row(number: int, title: str, y: int) -> dict[str, Any]:
    place = {"x": 0, "y": y, "w": WIDTH * ACROSS, "h": 1}
    return {"id": number, "type": "row", "title": title, "gridPos": place, "panels": []}


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.unit == "percentunit" and panel.title != "Processor":
        defaults["max"] = 1
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": {**place, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + i),
                "datasource": SOURCE,
                "expr": expression,
                "legendFormat": legend or "__auto",
            }
            for i, (legend, expression) in enumerate(panel.queries.items())
        ],
    }


def text() -> str:
    """Return the content of the file."""
    return json.dumps(dashboard(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")

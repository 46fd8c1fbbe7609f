"""Alerts and dashboard ask for figures that are given, and each alert has cases that prove it."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.metrics import MetricWrapperBase as Metric

from app.core import metrics
from deploy.grafana import generate

ROOT = Path(__file__).parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTS = PROMETHEUS / "alerts.yml"
CASES = sorted((PROMETHEUS / "tests").glob("*.yml"))
GRAFANA = ROOT / "deploy" / "grafana"
HANDBOOK = (ROOT / "docs" / "observability.md").read_text(encoding="utf-8")
# What others give, with the labels that they set: Prometheus, and HAProxy 3.0 as it was asked.
OF_OTHERS = {
    "up": set[str](),
    "ALERTS": {"alertname", "alertstate"},
    "process_cpu_seconds_total": set[str](),
    "process_resident_memory_bytes": set[str](),
    "haproxy_backend_active_servers": {"proxy"},
    "haproxy_backend_current_queue": {"proxy"},
    "haproxy_frontend_http_requests_total": {"proxy"},
    "haproxy_frontend_http_responses_total": {"proxy", "code"},
    "haproxy_server_http_responses_total": {"proxy", "server", "code"},
}
# What Prometheus adds.
OF_TARGETS = {"instance", "job"}
NAME = r"\b(?:recommender_\w+|haproxy_\w+|process_\w+|up|ALERTS)\b(?!\")"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


RULES: list[dict[str, Any]] = [rule for group in load(ALERTS)["groups"] for rule in group["rules"]]
PANELS = [panel for row in generate.ROWS.values() for panel in row]
QUERIES = [query for panel in PANELS for query in panel.queries.items()]


def given() -> dict[str, set[str]]:
    """The labels of each figure."""
    found = dict(OF_OTHERS)
    for collector in [each for each in vars(metrics).values() if isinstance(each, Metric)]:
        labels = set(getattr(collector, "_labelnames", ()))
        for family in collector.collect():
            ends = {"counter": ("_total",), "histogram": ("_bucket",)}.get(family.type, ("",))
            more = {"le"} if family.type == "histogram" else set()
            found |= {family.name + end: labels | more for end in ends}
    return found


def asked(query: str) -> Iterator[tuple[str, set[str]]]:
    """The figures that a query asks for, with the labels that it chooses by."""
    for name, chosen in re.findall(rf"({NAME})(?:{{([^}}]*)}})?", query.replace("{user}", "")):
        yield name, set(re.findall(r"(\w+)(?:=|!)", chosen))


def check(query: str, legend: str = "") -> None:
    """Fail where it asks for something that is not given."""
    figures, known = given(), set(OF_TARGETS)
    for name, labels in asked(query):
        assert name in figures, query
        assert labels <= figures[name] | OF_TARGETS, query
        known |= figures[name]
    shown = set(re.findall(r"{{ ?\$?(?:labels\.)?(\w+) ?}}", legend)) - {"value"}
    grouped = {label for by in re.findall(r"by \(([^)]*)\)", query) for label in by.split(", ")}
    assert shown | grouped <= known, query
    if "by (" in query or "sum" in query:
        assert shown <= grouped, f"{legend} is lost in {query}"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_figures_that_are_given(rule: dict[str, Any]) -> None:
    assert list(asked(rule["expr"]))
    check(rule["expr"], rule["annotations"]["summary"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    jobs = {each["job_name"] for each in load(PROMETHEUS / "prometheus.yml")["scrape_configs"]}
    assert set(re.findall(r'job="(\w+)"', rule["expr"])) <= jobs


def test_the_dashboard_asks_for_figures_that_are_given_and_shows_all_of_ours() -> None:
    for legend, query in QUERIES:
        check(query, legend)
    shown = {name for _, query in QUERIES for name, _ in asked(query)}
    ours = {name for name in given() if name.startswith("recommender_")}
    assert ours <= shown


def test_the_dashboard_is_the_one_that_is_generated() -> None:
    assert generate.FILE.read_text(encoding="utf-8") == generate.text(), (
        "run `python -m deploy.grafana.generate`"
    )
    panels = json.loads(generate.text())["panels"]
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len({(x, y) for x, y, *_ in places if y}) == len(places) - 1, "none covers another"
    assert len({panel["title"] for panel in panels}) == len(panels)


def test_grafana_finds_the_dashboard_and_prometheus() -> None:
    (source,) = load(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    (provider,) = load(GRAFANA / "provisioning" / "dashboards" / "recommender.yml")["providers"]
    services = load(ROOT / "compose.yaml")["services"]
    assert source["url"] == "http://prometheus:9090"
    assert f"./deploy/grafana:{provider['options']['path']}:ro" in services["grafana"]["volumes"]
    (variable,) = json.loads(generate.text())["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", source["type"])


def test_prometheus_asks_each_replica_and_the_proxy() -> None:
    services = load(ROOT / "compose.yaml")["services"]
    targets = {
        target
        for job in load(PROMETHEUS / "prometheus.yml")["scrape_configs"]
        for each in job["static_configs"]
        for target in each["targets"]
    }
    assert targets == {"service-a:9100", "service-b:9100", "proxy:8404"}
    assert services["service-a"]["environment"]["RECOMMENDER_METRICS_PORT"] == "9100"
    assert services["proxy"]["environment"]["METRICS"] == ":8404"


def test_the_proxies_that_alerts_name_are_there() -> None:
    config = (ROOT / "deploy" / "haproxy" / "haproxy.cfg").read_text(encoding="utf-8")
    named = set(re.findall(r"^(?:frontend|backend) (\w+)", config, re.MULTILINE))
    queries = [rule["expr"] for rule in RULES] + [query for _, query in QUERIES]
    wanted = {name for query in queries for name in re.findall(r'\bproxy="(\w+)"', query)}
    assert wanted
    assert wanted <= named


def test_the_handbook_says_what_to_do_at_each_alert_and_what_each_figure_says() -> None:
    explained = re.findall(r"^\| `(Recommender\w+)` \|", HANDBOOK, re.MULTILINE)
    assert explained == [rule["alert"] for rule in RULES]
    table = " ".join(re.findall(r"^\| (`recommender_.+?) \|", HANDBOOK, re.MULTILINE))
    told = set(re.findall(r"`(recommender_\w+)`", table))
    ours = {name.removesuffix("_bucket") for name in given() if name.startswith("recommender_")}
    assert told == ours


def test_each_alert_has_a_case_that_fires_it_and_one_that_does_not() -> None:
    cases = [
        (case["alertname"], bool(case["exp_alerts"]))
        for path in CASES
        for test in load(path)["tests"]
        for case in test["alert_rule_test"]
    ]
    assert set(cases) == {(rule["alert"], fires) for rule in RULES for fires in (True, False)}


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool, a part of Prometheus, is not installed")
    return found


def test_the_cases_hold(promtool: str) -> None:
    subprocess.run([promtool, "test", "rules", *CASES], check=True)


def test_prometheus_accepts_its_configuration_and_every_query(
    promtool: str, tmp_path: Path
) -> None:
    subprocess.run([promtool, "check", "config", PROMETHEUS / "prometheus.yml"], check=True)
    rules = [
        {"record": f"query:{i}", "expr": query.replace("$__rate_interval", "1m")}
        for i, (_, query) in enumerate(QUERIES)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    subprocess.run([promtool, "check", "rules", file], check=True)

"""What compose, the images and Prometheus are told agrees with the code and with the documents."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from app.config import PREFIX, Settings
from app.core import metrics
from app.db.limits import REQUESTS
from app.http.connections import MAX_CONNECTIONS

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
STACK: dict[str, Any] = yaml.safe_load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
PROXY = (ROOT / "deploy" / "haproxy.cfg").read_text(encoding="utf-8")
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"][0][
    "rules"
]
OURS = [name for name, service in SERVICES.items() if "recommender-" in service["image"]]
# What Prometheus itself knows of everything that it asks.
OF_PROMETHEUS = {"up"}


def test_the_example_of_settings_lists_what_compose_reads_with_its_defaults() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    listed = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert listed == dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE))


def test_containers_are_given_settings_that_exist() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    given = set(re.findall(rf"({PREFIX}\w+)=", dockerfile))
    for name in OURS:
        given |= set(SERVICES[name]["environment"])
    assert given
    assert given <= known


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_write_nothing_but_their_volumes(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "user" not in service, "the image's own account has no rights"


def test_only_this_machine_is_published_to_by_default() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"proxy", "prometheus"}
    for published in ports.values():
        assert all(re.match(r"\$\{\w+:-127\.0\.0\.1:\d+\}:", port) for port in published)


def test_the_admin_key_is_seen_by_the_service_alone() -> None:
    volumes = {name: service.get("volumes", []) for name, service in SERVICES.items()}
    with_keys = {name for name, mounts in volumes.items() if any("keys:" in m for m in mounts)}
    assert with_keys == {"service-a", "service-b"}


def test_alerts_ask_for_figures_that_the_service_gives() -> None:
    given = {
        sample
        for family in metrics.own_registry.collect()
        for sample in (family.name, *(f"{family.name}_{end}" for end in ("total", "bucket")))
    }
    for rule in RULES:
        asked = set(re.findall(r"\b(?:recommender_\w+|up)\b", rule["expr"]))
        assert asked, rule
        assert asked <= given | OF_PROMETHEUS, rule


def test_the_handbook_says_what_to_do_at_each_alert() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(Recommender\w+)` \|", page, re.MULTILINE)
    assert explained == [rule["alert"] for rule in RULES]


def test_prometheus_accepts_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool, a part of Prometheus, is not installed")
    subprocess.run([promtool, "check", "rules", str(ALERTS)], check=True)


def proxy(name: str) -> list[str]:
    """The arguments of each line of the proxy's configuration that begins with this name."""
    return re.findall(rf"^ +{name} (.+)$", PROXY, re.MULTILINE)


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s)", text).groups()  # type: ignore[union-attr]
    return int(number) / (1000 if unit == "ms" else 1)


def test_the_proxy_notices_a_draining_replica_before_it_stops() -> None:
    (check,) = [line for line in proxy("default-server") if line.startswith("check")]
    of = dict(re.findall(r"(\w+) (\S+)", check.removeprefix("check ")))
    noticed = seconds(of["inter"]) + (int(of["fall"]) - 1) * seconds(of["fastinter"])
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (drain,) = re.findall(rf"{PREFIX}DRAIN_SECONDS=(\d+)", dockerfile)
    assert noticed <= int(drain) / 2
    assert int(of["fall"]) > 1, "one slow answer is no reason"
    assert seconds(*proxy("timeout check")) >= 2 * seconds(of["inter"])


def test_the_proxy_holds_fewer_connections_than_a_replica_and_waits_no_longer_than_it() -> None:
    (bound,) = [int(line.split()[1]) for line in proxy("default-server") if "maxconn" in line]
    assert bound < MAX_CONNECTIONS
    assert seconds(*proxy("timeout queue")) <= REQUESTS.lock_s


def test_errors_of_the_proxy_have_the_shape_of_those_of_the_api() -> None:
    errors = proxy("http-error")
    bodies = [json.loads(*re.findall(r"string '(.+)'", line)) for line in errors]
    assert [line.split()[1] for line in errors] == ["502", "503", "504"]
    for line, body in zip(errors, bodies, strict=True):
        assert "content-type application/json" in line
        assert set(body) == {"error", "detail"}
    assert "hdr Retry-After" in errors[1]


def test_the_proxy_accepts_its_configuration() -> None:
    haproxy = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if haproxy is None:
        pytest.skip("haproxy is not installed")
    names = {"LISTEN": "127.0.0.1:1", "REPLICA_A": "127.0.0.1:2", "REPLICA_B": "127.0.0.1:3"}
    command = [haproxy, "-c", "-f", str(ROOT / "deploy" / "haproxy.cfg")]
    subprocess.run(command, env=names, check=True, capture_output=True)


def test_every_replica_is_asked_for_its_figures() -> None:
    config = yaml.safe_load((ALERTS.parent / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert job["static_configs"][0]["targets"] == ["service-a:9100", "service-b:9100"]
    assert SERVICES["service-a"]["environment"][f"{PREFIX}METRICS_PORT"] == "9100"

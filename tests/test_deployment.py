"""What compose, the images and Prometheus are told agrees with the code and with the documents."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from app.config import PREFIX, Settings
from app.core import metrics

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
STACK: dict[str, Any] = yaml.safe_load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
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


def test_every_replica_is_asked_for_its_figures() -> None:
    config = yaml.safe_load((ALERTS.parent / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert job["static_configs"][0]["targets"] == ["service-a:9100", "service-b:9100"]
    assert SERVICES["service-a"]["environment"][f"{PREFIX}METRICS_PORT"] == "9100"

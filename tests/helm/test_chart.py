"""The chart makes valid objects for every version of Kubernetes, and refuses wrong values."""

import functools
import json
import re
import tomllib
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]
from kubernetes_validate.utils import (  # type: ignore[import-untyped]
    SchemaNotFoundError,
    all_versions,
)

from app.config import PREFIX, Settings
from app.db.limits import REQUESTS
from tests.helm.chart import (
    CHART,
    DESCRIPTION,
    EXAMPLES,
    ROOT,
    SCHEMA,
    VALUES,
    helm,
    needs_helm,
    of_kind,
    refusal,
    rendered,
    template,
)

pytestmark = needs_helm

OLDEST = re.search(r"\d+\.\d+", DESCRIPTION["kubeVersion"])[0]  # type: ignore[index]
VERSIONS = [v.removesuffix(".0") for v in dict.fromkeys(all_versions())]
# Of the Prometheus operator, which has no part in these schemas.
FOREIGN = {"ServiceMonitor", "PrometheusRule"}
# Settings for which the chart has values of its own, or which the images set.
OF_THE_CHART = {
    "database_url", "database_password_file", "models_dir", "models_url", "datasets_dir", "host",
    "port", "workers", "metrics_port", "drain_seconds", "bootstrap_admin_key_file",
}  # fmt: skip
JOB_CONNECTIONS = 5


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_chart_is_accepted_with_each_example(example: str) -> None:
    values = str(CHART / "examples" / f"{example}.yaml")
    ended = helm("lint", "--strict", "--values", values, str(CHART))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert template(example) == template(example), "nothing may be drawn, or depend on the time"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_object_is_valid_in_every_version_of_kubernetes(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schemas = functools.cache(kubernetes_validate.utils.schema_contents)  # megabytes of JSON
    monkeypatch.setattr(kubernetes_validate.utils, "schema_contents", schemas)
    assert OLDEST in VERSIONS
    for version in VERSIONS[VERSIONS.index(OLDEST) :]:
        foreign = set()
        for each in rendered(example):
            try:
                kubernetes_validate.validate(each, version, strict=True)
            except SchemaNotFoundError:
                foreign.add(each["kind"])
        assert foreign <= FOREIGN


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("service.replica=3", "property replica is not allowed"),
        (f"settings.{PREFIX}LIKE_TRESHOLD=3", f'"{PREFIX}LIKE_TRESHOLD" does not match'),
        (f"settings.{PREFIX}PORT=80", f'"{PREFIX}PORT" does not match'),
        (f"environment.{PREFIX}WORKERS=2", f'"{PREFIX}WORKERS" does not match'),
        ("training.every=daily", "training.every: Does not match pattern"),
        ("models.url=s3://key:secret@bucket/path", "models.url: Does not match pattern"),
        ("service.workers=0", "service.workers: Must be greater than or equal to 1"),
        ("service.resources.limits.memory=1GB", "memory: Must validate at least one"),
        ("database.host=", "database.host names no PostgreSQL"),
        ("postgresql.enabled=true", "another PostgreSQL than that of postgresql.enabled"),
        ("models.volume.accessMode=ReadWriteOnce", "pods on others could not read the models"),
        ("postgresql.enabled=true,database.host=,database.user=films", "are recommender in"),
        ("ingress.enabled=true", "ingress.host names no host"),
        ("service.autoscaling.enabled=true", "database.connections is 97"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(value: str, reason: str) -> None:
    assert reason in refusal(value)


def test_values_and_their_schema_list_the_same() -> None:
    def names(schema: dict[str, Any]) -> dict[str, Any]:
        return {name: names(each) for name, each in schema.get("properties", {}).items()}

    def listed(values: Any, known: dict[str, Any]) -> dict[str, Any]:
        return {name: listed(values[name], known[name]) for name in (values if known else ())}

    known = names(SCHEMA)
    del known["global"]  # of charts that include this one
    assert listed(VALUES, known) == known


def test_settings_that_may_be_given_are_those_of_the_service() -> None:
    allowed = SCHEMA["properties"]["settings"]["propertyNames"]["enum"]
    assert allowed == [PREFIX + n.upper() for n in Settings.model_fields if n not in OF_THE_CHART]


@pytest.mark.parametrize("release", ["films", "x" * 53, "recommender" + "-x" * 21])
def test_names_are_short_enough_for_any_release(release: str) -> None:
    for each in yaml.safe_load_all(template("production", release=release)):
        name = each["metadata"]["name"]
        # The Jobs of a CronJob have 11 characters more, and so have labels of a StatefulSet.
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?", name)
        assert "recommender" in name
        for value in each["metadata"]["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", str(value))


def test_the_schema_is_migrated_before_pods_of_a_new_version_start() -> None:
    hooks = {}
    for example in EXAMPLES:
        (job,) = [j for j in of_kind(example, "Job") if j["metadata"]["name"].endswith("migration")]
        hooks[example] = job["metadata"]["annotations"]["helm.sh/hook"].split(",")
        assert job["spec"]["template"]["spec"]["containers"][0]["args"] == ["db", "upgrade"]
        assert "serviceAccountName" not in job["spec"]["template"]["spec"], "it is made later"
    assert hooks.pop("trial") == ["pre-upgrade"], "its database is made later"
    assert all(when == ["pre-install", "pre-upgrade"] for when in hooks.values())


def test_more_pods_than_the_database_has_connections_for_are_refused() -> None:
    jobs = 3 * JOB_CONNECTIONS
    for replicas, workers in ((4, 2), (7, 1)):
        needed = (replicas + 1) * workers * REQUESTS.connections + jobs
        values = [f"service.replicas={replicas}", f"service.workers={workers}"]
        assert f"open up to {needed} connections" in refusal(
            *values, f"database.connections={needed - 1}"
        )
        template("shared-volume", *(f"--set={v}" for v in values),
                 f"--set=database.connections={needed}")  # fmt: skip


def test_what_the_stack_has_is_not_written_twice() -> None:
    (rule,) = of_kind("production", "PrometheusRule")
    alerts = ROOT / "deploy" / "prometheus" / "alerts.yml"
    assert rule["spec"] == yaml.safe_load(alerts.read_text(encoding="utf-8"))
    data = {
        name: text
        for e in EXAMPLES
        for m in of_kind(e, "ConfigMap")
        for name, text in m["data"].items()
    }
    dashboard = ROOT / "deploy" / "grafana" / "dashboard.json"
    assert json.loads(data["recommender.json"]) == json.loads(dashboard.read_text(encoding="utf-8"))
    role = ROOT / "deploy" / "postgres" / "new" / "role.sh"
    assert data["role.sh"].strip() == role.read_text(encoding="utf-8").strip()


def test_figures_are_asked_under_the_name_that_the_alerts_have() -> None:
    (monitor,) = of_kind("production", "ServiceMonitor")
    (asked,) = [
        each
        for each in of_kind("production", "Service")
        if monitor["spec"]["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
    ]
    assert asked["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "recommender"
    assert asked["spec"]["publishNotReadyAddresses"] is True


def test_the_chart_has_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (DESCRIPTION["version"], DESCRIPTION["appVersion"]) == (project["version"],) * 2

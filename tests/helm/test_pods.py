"""Pods of the chart have commands and settings that exist, few rights, and reach what they need."""

from pathlib import Path
from typing import Any

import pytest
import typer

from app.cli.main import app
from app.config import PREFIX, Settings
from tests.helm.chart import (
    EXAMPLES,
    needs_helm,
    of_kind,
    own_containers,
    pods,
    service_container,
    template,
)

pytestmark = needs_helm


@pytest.mark.parametrize("example", EXAMPLES)
def test_containers_run_commands_that_exist(example: str) -> None:
    for name, container in own_containers(example):
        if "command" in container:
            assert container["command"][0] == "python", name
            continue
        command: Any = typer.main.get_command(app)
        arguments = list(container["args"])
        while hasattr(command, "commands"):
            command = command.commands[arguments.pop(0)]
        command.make_context(name, arguments)  # refuses an option that it does not know


@pytest.mark.parametrize("example", EXAMPLES)
def test_containers_are_given_settings_that_exist(
    example: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("secret")
    for name, container in own_containers(example):
        given = {each["name"]: each["value"] for each in container.get("env", [])}
        if not given:
            continue
        given[f"{PREFIX}DATABASE_PASSWORD_FILE"] = str(password)
        with monkeypatch.context() as patch:
            for variable, value in given.items():
                patch.setenv(variable, value)
            settings = Settings()
        assert settings.database_url.startswith("postgresql://recommender:secret@"), name
        assert len(container["env"]) == len(given), "no variable is given twice"


def test_numbers_of_settings_arrive_as_they_are_written(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    given = {"MODELS_CACHE_BYTES": "21474836480", "RECENCY_SHARE": "0.05", "LIKE_THRESHOLD": "4"}
    lines = [f"  {PREFIX}{name}: {value}" for name, value in given.items()]
    values.write_text("\n".join(["settings:", *lines]))
    text = template("shared-volume", "--values", str(values))
    for name, value in given.items():
        assert f'- name: {PREFIX}{name}\n              value: "{value}"' in text


@pytest.mark.parametrize("example", EXAMPLES)
def test_pods_are_restricted_and_ask_nothing_of_the_cluster(example: str) -> None:
    for pod in pods(example):
        spec = pod["spec"]
        assert spec["enableServiceLinks"] is False
        assert spec["automountServiceAccountToken"] is False
        account = spec["securityContext"]
        assert account["runAsNonRoot"] is True
        assert account["runAsUser"] > 0
        assert account["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        there = {volume["name"] for volume in spec["volumes"]} | pod["claims"]
        assert not any("hostPath" in volume for volume in spec["volumes"])
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            mounts = container.get("volumeMounts", [])
            assert {mount["name"] for mount in mounts} <= there
            assert len({mount["mountPath"] for mount in mounts}) == len(mounts)
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_pod_of_the_service_has_the_time_to_end(example: str) -> None:
    pod = next(pod for pod in pods(example) if pod["name"] == "recommender")
    given = {each["name"]: each["value"] for each in service_container(example)["env"]}
    drain = float(given[f"{PREFIX}DRAIN_SECONDS"])
    assert pod["spec"]["terminationGracePeriodSeconds"] >= drain + 30
    probe = service_container(example)["readinessProbe"]
    noticed = probe["periodSeconds"] * probe["failureThreshold"]
    assert noticed < drain, "a draining pod is taken out before it stops"


def test_probes_ask_under_a_name_that_the_service_answers_to() -> None:
    container = service_container("production")
    given = {each["name"]: each["value"] for each in container["env"]}
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container[name]["httpGet"]
        assert asked["path"] == ("/health/ready" if name == "readinessProbe" else "/health/live")
        assert asked["httpHeaders"] == [
            {"name": "Host", "value": given[f"{PREFIX}ALLOWED_HOSTS"].split(",")[0]}
        ]
    assert "httpHeaders" not in service_container("trial")["readinessProbe"]["httpGet"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_selectors_find_the_pods_that_they_mean(example: str) -> None:
    found = {pod["name"]: pod["metadata"]["labels"] for pod in pods(example)}
    for kind in ("Deployment", "StatefulSet"):
        for each in of_kind(example, kind):
            wanted = each["spec"]["selector"]["matchLabels"]
            owners = [name for name, labels in found.items() if wanted.items() <= labels.items()]
            assert owners == [each["metadata"]["name"]]
    for service in of_kind(example, "Service"):
        wanted = service["spec"]["selector"]
        chosen = [name for name, labels in found.items() if wanted.items() <= labels.items()]
        assert chosen == [service["metadata"]["name"].removesuffix("-metrics")]


def selected(example: str, policy: dict[str, Any]) -> set[str]:
    """The pods that a network policy is about."""
    selector = policy["spec"]["podSelector"]
    return {
        pod["name"]
        for pod in pods(example)
        if selector["matchLabels"].items() <= pod["metadata"]["labels"].items()
        and not any(
            pod["metadata"]["labels"][each["key"]] in each["values"]
            for each in selector.get("matchExpressions", ())
        )
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_pods_reach_what_they_need_and_are_reached_by_nobody_else(example: str) -> None:
    policies = {each["metadata"]["name"]: each for each in of_kind(example, "NetworkPolicy")}
    database = {"recommender-database"} & policies.keys()
    everything = {pod["name"] for pod in pods(example)}
    assert selected(example, policies["recommender"]) == everything - database
    assert policies["recommender"]["spec"]["ingress"] == []
    out = {
        port["port"] for rule in policies["recommender"]["spec"]["egress"] for port in rule["ports"]
    }
    assert out == {53, 443, 5432, 8000}
    assert selected(example, policies["recommender-service"]) == {"recommender"}
    into = policies["recommender-service"]["spec"]["ingress"]
    ports = [each["containerPort"] for each in service_container(example)["ports"]]
    assert [port["port"] for rule in into for port in rule["ports"]] == ports
    for name in database:
        assert selected(example, policies[name]) == database
        (rule,) = policies[name]["spec"]["ingress"]
        assert rule["from"] == [
            {
                "podSelector": {
                    "matchLabels": policies["recommender"]["spec"]["podSelector"]["matchLabels"]
                }
            }
        ]
        assert policies[name]["spec"]["egress"] == []


def test_secrets_and_variables_of_others_reach_every_container_of_ours() -> None:
    extra = ("--set=environment.AWS_REGION=eu", "--set=fileSecrets={gcs}")
    text = template("production", *extra)
    n_own = len([c for _, c in own_containers("production") if "env" in c])
    assert text.count("mountPath: /run/secrets/files/gcs,") == n_own
    assert text.count("- name: AWS_REGION") == n_own
    assert text.count("- secretRef: {name: recommender-store}") == n_own + 1  # of the test

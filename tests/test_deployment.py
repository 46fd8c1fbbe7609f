"""What compose and the images are told agrees with the code, and keeps its containers apart."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from typer.main import get_command

from app.cli.main import app as cli
from app.config import PREFIX, Settings

ROOT = Path(__file__).parent.parent
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
TLS = (ROOT / "compose.tls.yaml").read_text(encoding="utf-8")
STACK: dict[str, Any] = yaml.safe_load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
OURS = [name for name, service in SERVICES.items() if "recommender-" in service["image"]]
REPLICAS = ["service-a", "service-b"]


def test_the_example_of_settings_lists_what_compose_reads_with_its_defaults() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    listed = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    assert listed == dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE + TLS))


def test_containers_are_given_settings_and_commands_that_exist() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    given = set(re.findall(rf"({PREFIX}\w+)=", dockerfile))
    commands: Any = get_command(cli)
    for name in OURS:
        given |= {each for each in SERVICES[name]["environment"] if each.startswith(PREFIX)}
        command, *arguments = _as_compose_reads(SERVICES[name].get("command", ["serve"]))
        commands.commands[command].make_context(command, arguments)
    assert given
    assert given <= known


def _as_compose_reads(command: list[str]) -> list[str]:
    return [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", part) for part in command]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_few_rights_and_bounds(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    # The start script of the database gives its files to its user, and becomes that.
    of_the_start = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"]
    assert service.get("cap_add", []) == (of_the_start if name == "database" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 1024
    assert "mem_limit" in service
    assert all("size=" in folder for folder in service["tmpfs"])
    assert "user" not in service, "the image's own account has no rights"


def test_only_this_machine_is_published_to_without_tls() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert "proxy" in ports
    for published in ports.values():
        assert all(re.match(r"\$\{\w+:-127\.0\.0\.1:\d+\}:", port) for port in published)


def test_networks_keep_the_proxy_from_the_database() -> None:
    of = {name: set(service.get("networks") or ()) for name, service in SERVICES.items()}
    assert of["proxy"] == {"public", "metrics"}
    assert of["database"] == {"database"}
    assert of["prometheus"] == {"metrics"}
    assert of["secrets"] == set()
    assert SERVICES["secrets"]["network_mode"] == "none"
    assert all(of[replica] == {"public", "database", "metrics"} for replica in REPLICAS)
    assert STACK["networks"]["database"]["internal"] is True


def test_the_proxy_knows_the_replicas_by_names_of_their_common_network() -> None:
    known = {SERVICES["proxy"]["environment"][f"REPLICA_{name}"] for name in "AB"}
    assert known == {
        f"{alias}:8000"
        for replica in REPLICAS
        for alias in SERVICES[replica]["networks"]["public"]["aliases"]
    }


def test_the_admin_key_is_seen_by_the_service_alone() -> None:
    volumes = {name: service.get("volumes", []) for name, service in SERVICES.items()}
    with_keys = {name for name, mounts in volumes.items() if any("keys:" in m for m in mounts)}
    assert with_keys == set(REPLICAS)


def test_the_application_is_not_the_superuser_of_its_database() -> None:
    database = SERVICES["database"]
    superuser = database["environment"]["POSTGRES_USER"]
    assert f"//{superuser}@" not in COMPOSE
    assert "./deploy/postgres/new:/docker-entrypoint-initdb.d:ro" in database["volumes"]
    (script,) = (ROOT / "deploy" / "postgres" / "new").iterdir()
    assert f"ALTER ROLE {superuser} PASSWORD NULL" in script.read_text(encoding="utf-8")


# Before version 2.29.3 Compose makes a container anew with what it depends on, and when
# `--no-deps` leaves that out.
@pytest.mark.parametrize("name", [*REPLICAS, "proxy", "database"])
def test_what_answers_requests_depends_on_no_container(name: str) -> None:
    assert "depends_on" not in SERVICES[name]


def test_what_compose_waits_for_ends_well_or_has_a_health_check() -> None:
    waited = {
        (name, how["condition"])
        for service in SERVICES.values()
        for name, how in service.get("depends_on", {}).items()
    }
    once = {name for name, service in SERVICES.items() if service["restart"] == "no"}
    assert once == {name for name, condition in waited if "completed" in condition}
    image = {*REPLICAS}  # the image has theirs
    assert image | {n for n, s in SERVICES.items() if "healthcheck" in s} >= set(SERVICES) - once


def test_what_is_mounted_into_a_running_container_is_a_folder() -> None:
    # A file that is replaced stays what it was for a container that has it.
    for name, service in SERVICES.items():
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            if source.startswith("./") and service["restart"] != "no":
                assert (ROOT / source).is_dir(), (name, mount)


DOCKER = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
    *"${FAILS:-nothing at all}"*) exit 1 ;;
    *"ps --status"*) echo retraining; echo prometheus ;;
esac
"""
UPGRADE = [
    "exec -T retraining recommender backup",
    "build",
    "up --detach --no-deps --wait database",
    "run --rm --no-deps -T prepare",
    "up --detach --no-deps --wait service-a",
    "up --detach --no-deps --wait service-b",
    "up --detach --wait",
    "exec -T proxy sh /usr/local/etc/haproxy/start.sh -c",
    "exec -T proxy sh -c kill -USR2 1",
    "exec -T prometheus promtool check config",
    "exec -T prometheus sh -c kill -HUP 1",
]


@pytest.mark.parametrize("fails_at", [None, 0, 3, 4, 7])
def test_an_upgrade_takes_one_replica_after_the_other_and_stops_at_a_failure(
    tmp_path: Path, fails_at: int | None
) -> None:
    docker, log = tmp_path / "docker", tmp_path / "log"
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LOG": str(log)}
    if fails_at is not None:
        variables["FAILS"] = UPGRADE[fails_at]
    ended = subprocess.run(
        [ROOT / "deploy" / "upgrade.sh"], env=variables, check=False, capture_output=True
    )
    assert (ended.returncode == 0) is (fails_at is None)
    done = [line for line in log.read_text().splitlines() if "ps --status" not in line]
    expected = UPGRADE if fails_at is None else UPGRADE[: fails_at + 1]
    assert len(done) == len(expected)
    for line, step in zip(done, expected, strict=True):
        assert line.startswith(f"compose {step}")


def _in_the_build(path: str) -> bool:
    """Tell whether .dockerignore lets a file into the build: the last rule that fits counts."""
    included = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            rule = re.escape(line.removeprefix("!"))
            rule = rule.replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if re.fullmatch(f"{rule}(/.*)?", path):
                included = line.startswith("!")
    return included


def test_a_build_gets_the_packages_whole_and_nothing_that_lies_beside_them() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "app", "data", "migrations", "model"],  # noqa: S607
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    named = re.findall(r"requirements/\w+\.txt|deploy/\w+\.py", dockerfile)
    left_out = [path for path in [*listed, *named] if not _in_the_build(path)]
    assert left_out == []
    assert {f"requirements/{extra}.txt" for extra in ("s3", "gs", "az", "otel")} <= set(named)
    for secret in (
        "app/tls.key", "app/server.pem", "data/.env", "data/ratings.csv", "model/id_rsa",
        "app/web/static/.key", ".env", "containers.env", "var/recommender.db", "deploy/tls.pem",
        "migrations/dump.sql", "app/http/secrets.json",
    ):  # fmt: skip
        assert not _in_the_build(secret), secret

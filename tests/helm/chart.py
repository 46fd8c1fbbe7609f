"""The chart for Kubernetes, rendered with its example files of values."""

import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "helm" / "recommender"
EXAMPLES = sorted(path.stem for path in (CHART / "examples").glob("*.yaml"))
DESCRIPTION = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
HELM = shutil.which("helm", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
IMAGES = {VALUES["image"]["service"], VALUES["image"]["training"]}

needs_helm = pytest.mark.skipif(HELM is None, reason="helm is not installed")


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(HELM), *arguments], capture_output=True, text=True, check=False)


def template(example: str, *arguments: str, release: str = "recommender") -> str:
    values = str(CHART / "examples" / f"{example}.yaml")
    ended = helm("template", release, str(CHART), "--values", values, *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@functools.cache
def rendered(example: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(template(example)) if each]


def refusal(*values: str) -> str:
    ended = helm(
        "template", "r", str(CHART), "--set", "database.host=db", *(f"--set={v}" for v in values)
    )
    assert ended.returncode != 0, values
    return ended.stderr


def of_kind(example: str, kind: str) -> list[dict[str, Any]]:
    return [each for each in rendered(example) if each["kind"] == kind]


def pods(example: str) -> Iterator[dict[str, Any]]:
    """All pods and templates of pods, with name and claims of the object."""
    for each in rendered(example):
        found: dict[str, Any] = each
        if each["kind"] == "CronJob":
            found = each["spec"]["jobTemplate"]
        if each["kind"] != "Pod":
            found = found["spec"].get("template") if "spec" in found else None  # type: ignore[assignment]
        if found:
            claims = each["spec"].get("volumeClaimTemplates", [])
            names = {claim["metadata"]["name"] for claim in claims}
            yield {**found, "name": each["metadata"]["name"], "claims": names}


def containers(example: str) -> list[tuple[str, dict[str, Any]]]:
    """The containers of all pods, each with the name of the pod."""
    return [(pod["name"], each) for pod in pods(example) for each in pod["spec"]["containers"]]


def own_containers(example: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, each)
        for name, each in containers(example)
        if each["image"].rsplit("/", 1)[-1].split(":")[0] in IMAGES
    ]


def service_container(example: str) -> dict[str, Any]:
    return next(each for name, each in containers(example) if name == "recommender")

"""What the pods of the chart run does its work, as processes of this machine."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from app.config import PREFIX
from tests import postgresql
from tests.app.service_process import free_port
from tests.helm.chart import ROOT, needs_helm, of_kind, pods, rendered, service_container

pytestmark = [pytest.mark.slow, needs_helm]

EXAMPLE = "trial"
WAIT_S = 60
OF_IMAGES = {f"{PREFIX}MODELS_DIR"}  # the image sets it


class Cluster:
    """Runs containers as processes, with the volumes in a folder and links to all Services."""

    def __init__(self, folder: Path, database: URL) -> None:
        self.folder, self.database = folder, database
        self.port, self.metrics_port = free_port(), free_port()
        (folder / "password").write_text("unused: the test's server trusts everybody")
        (folder / "key").write_text(f"admin.{'0123456789abcdef' * 2}")

    def links(self) -> dict[str, str]:
        """What Kubernetes would tell the pods of all Services, were it asked to."""
        variables: dict[str, str] = {}
        for service in of_kind(EXAMPLE, "Service"):
            name = service["metadata"]["name"].upper().replace("-", "_")
            port = service["spec"]["ports"][0]["port"]
            variables |= {
                f"{name}_SERVICE_HOST": "10.0.0.1",
                f"{name}_SERVICE_PORT": str(port),
                f"{name}_SERVICE_PORT_{service['spec']['ports'][0]['name'].upper()}": str(port),
                f"{name}_PORT": f"tcp://10.0.0.1:{port}",
                f"{name}_PORT_{port}_TCP": f"tcp://10.0.0.1:{port}",
                f"{name}_PORT_{port}_TCP_ADDR": "10.0.0.1",
                f"{name}_PORT_{port}_TCP_PORT": str(port),
                f"{name}_PORT_{port}_TCP_PROTO": "tcp",
            }
        return variables

    def environment(self, container: dict[str, Any]) -> dict[str, str]:
        given = {each["name"]: each["value"] for each in container.get("env", [])}
        here = {
            "DATABASE_URL": self.database.render_as_string(hide_password=False),
            "MODELS_DIR": str(self.folder / "models"),
            "BOOTSTRAP_ADMIN_KEY_FILE": str(self.folder / "key"),
            "METRICS_PORT": str(self.metrics_port),
        }
        given |= {PREFIX + n: v for n, v in here.items() if PREFIX + n in {*given, *OF_IMAGES}}
        given.pop(f"{PREFIX}DATABASE_PASSWORD_FILE", None)  # a socket needs none
        others = {n: v for n, v in os.environ.items() if not n.startswith(PREFIX)}
        return {**others, **self.links(), f"{PREFIX}HOST": "0.0.0.0", **given}  # noqa: S104

    def command(self, container: dict[str, Any]) -> list[str]:
        if "command" not in container:
            return [sys.executable, "-m", "app", *container["args"]]
        # The Service is where the process listens.
        asked = [
            part.replace("http://recommender:80/", f"http://127.0.0.1:{self.port}/")
            for part in container["command"]
        ]
        return [sys.executable, *asked[1:]]

    def run(self, container: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(container), env=self.environment(container), cwd=ROOT, text=True,
            capture_output=True, check=False, timeout=WAIT_S,
        )  # fmt: skip

    @contextmanager
    def running(self, container: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
        """Run a container until the end of the block."""
        command = [*self.command(container), "--port", str(self.port)]
        process = subprocess.Popen(command, env=self.environment(container), cwd=ROOT)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def probe(self, container: dict[str, Any], name: str) -> int:
        """Ask as the kubelet does; 0 where nothing listens."""
        asked = container[name]["httpGet"]
        headers = {each["name"]: each["value"] for each in asked.get("httpHeaders", [])}
        url = f"http://127.0.0.1:{self.port}{asked['path']}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0


def container_of(name: str, index: int = 0) -> dict[str, Any]:
    found = next(pod for pod in pods(EXAMPLE) if pod["name"] == name)
    container: dict[str, Any] = found["spec"]["containers"][index]
    return container


def until(reached: Any, wanted: int) -> None:
    end = time.monotonic() + WAIT_S
    while reached() != wanted:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_pods_of_a_release_do_their_work(
    postgresql_server: postgresql.Server, tmp_path: Path
) -> None:
    url = postgresql_server.create(migrated=False)
    try:
        cluster = Cluster(tmp_path, url)
        service = service_container(EXAMPLE)
        with cluster.running(service) as process:
            # It waits for the schema, and the startup probe for it.
            assert cluster.probe(service, "startupProbe") == 0
            migration = cluster.run(container_of("recommender-migration"))
            assert migration.returncode == 0, migration.stderr
            until(lambda: cluster.probe(service, "startupProbe"), 200)
            until(lambda: cluster.probe(service, "readinessProbe"), 200)
            for index in range(2):  # `helm test`
                ended = cluster.run(container_of("recommender-test", index))
                assert ended.returncode == 0, ended.stdout + ended.stderr
            process.send_signal(signal.SIGTERM)
            until(lambda: cluster.probe(service, "readinessProbe"), 503)
            assert cluster.probe(service, "livenessProbe") == 200
            assert process.wait(timeout=WAIT_S) == 0
    finally:
        postgresql_server.drop(url)


def test_a_wrong_setting_ends_an_upgrade_before_a_pod_is_replaced(tmp_path: Path) -> None:
    assert rendered(EXAMPLE)
    cluster = Cluster(tmp_path, URL.create("postgresql", host="127.0.0.1", database="recommender"))
    migration = container_of("recommender-migration")
    wrong = {"name": f"{PREFIX}LIKE_THRESHOLD", "value": "9"}
    ended = cluster.run({**migration, "env": [*migration["env"], wrong]})
    assert ended.returncode == 2
    assert f"{PREFIX}LIKE_THRESHOLD" in ended.stderr

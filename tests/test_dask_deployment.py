"""Scheduler and workers as deploy/dask starts them."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parent.parent
DASK = ROOT / "deploy" / "dask"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((DASK / "compose.yaml").read_text())[
    "services"
]
SCRIPTS = sorted(DASK.glob("*.sh"))
WAIT_S = 600

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_few_rights_and_bounds_and_a_script_that_exists(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 1024
    assert "mem_limit" in service
    assert all("size=" in folder for folder in service["tmpfs"])
    named = re.findall(r"/deploy/dask/(\w+\.sh)", " ".join(service["entrypoint"]))
    assert named
    assert all((DASK / each).exists() for each in named)


def test_only_the_training_reads_the_password_of_the_database() -> None:
    readers = {
        name
        for name, service in SERVICES.items()
        if any("/secrets" in volume for volume in service["volumes"])
    }
    assert readers == {"dask-train"}
    assert [name for name in SERVICES if "database" in SERVICES[name]["networks"]] == ["dask-train"]


def test_the_images_can_have_its_packages() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert {"requirements/large.txt", "requirements/distributed.txt"} <= set(
        re.findall(r"requirements/\w+\.txt", dockerfile)
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_one(script: Path) -> None:
    subprocess.run(["/bin/sh", "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start scripts over TLS on loopback, and end them."""
    tls = tmp_path / "tls"
    subprocess.run([str(DASK / "certificate.sh"), str(tls)], check=True)
    given = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DASK_TLS": str(tls), "DASK_HOST": "127.0.0.1", "TMPDIR": str(tmp_path),
        "RECOMMENDER_DATABASE_URL": f"sqlite:///{tmp_path / 'recommender.db'}",
        "RECOMMENDER_MODELS_DIR": str(tmp_path / "models"),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    with ExitStack() as stack:

        def run(*command: str, **more: str) -> "subprocess.Popen[str]":
            process = stack.enter_context(
                subprocess.Popen(
                    command, env={**os.environ, **given, **more}, cwd=tmp_path, text=True,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                )
            )  # fmt: skip
            stack.callback(process.terminate)
            return process

        yield run


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline, "no scheduler"
            time.sleep(0.1)
        else:
            return


def listening(pid: int) -> set[tuple[str, int]]:
    """Where a process and those that it started accept connections."""
    process = psutil.Process(pid)
    found = {
        (str(each.laddr.ip), int(each.laddr.port))
        for own in (process, *process.children(recursive=True))
        for each in own.net_connections("tcp")
        if each.status == psutil.CONN_LISTEN
    }
    assert found
    return found


@pytest.mark.slow
def test_a_training_runs_on_workers_that_know_each_other_by_their_certificate(
    start: Start, tmp_path: Path
) -> None:
    port = free_port()
    address = f"tls://127.0.0.1:{port}"
    scheduler = start(str(DASK / "scheduler.sh"), DASK_PORT=str(port))
    wait_for(port)
    worker = start(str(DASK / "worker.sh"), address, DASK_WORKERS="2", DASK_WORKER_MEMORY="1GB")
    imported = start("recommender", "import", "sample")
    assert imported.wait(WAIT_S) == 0, imported.communicate()[0]
    shards, small = str(tmp_path / "shards"), ["--epochs", "2", "--hidden", "8"]
    trained = start(str(DASK / "train.sh"), address, shards, *small)
    output, _ = trained.communicate(timeout=WAIT_S)
    assert trained.returncode in {0, 1}, output  # published, or refused by the gate
    assert list((tmp_path / "models").glob("2*/W.npy")), output
    for process in (scheduler, worker):
        assert {host for host, _ in listening(process.pid)} == {"127.0.0.1"}
    stranger = start(
        sys.executable, "-c", f"from distributed import Client; Client({address!r}, timeout=5)",
        DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION="true",
    )  # fmt: skip
    output, _ = stranger.communicate(timeout=WAIT_S)
    assert stranger.returncode != 0

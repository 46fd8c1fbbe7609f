"""The proxy of compose.yaml, in front of replicas that only count."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, NamedTuple

import pytest

from app.cli.http_server import GRACE_S
from app.config import PREFIX
from app.db.limits import REQUESTS
from app.http.connections import MAX_CONNECTIONS
from app.http.middleware.admission import READS, WRITES
from tests.app.service_process import free_port

FOLDER = Path(__file__).parent.parent / "deploy" / "haproxy"
CONFIG = (FOLDER / "haproxy.cfg").read_text(encoding="utf-8")
START = (FOLDER / "start.sh").read_text(encoding="utf-8")
STARTED_S, WAIT_S = 15, 10


class Replica(ThreadingHTTPServer):
    """Answers all but /health/ready when it is told to; notes how many requests it has at once."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.may_answer = Event()
        self.may_answer.set()
        self.heads: list[tuple[str, dict[str, str]]] = []
        self.most = self.now = 0
        self.lock = Lock()

    def handle_error(self, *_: Any) -> None:
        """The proxy does not wait for the end of an answer to its checks."""

    def reset(self) -> None:
        self.heads, self.most = [], 0
        self.may_answer.set()


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Replica

    def do_GET(self) -> None:
        if self.path != "/health/ready":
            replica = self.server
            with replica.lock:
                replica.now += 1
                replica.most = max(replica.most, replica.now)
                head = {name.lower(): value for name, value in self.headers.items()}
                replica.heads.append((self.path, head))
            replica.may_answer.wait(WAIT_S)
            with replica.lock:
                replica.now -= 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_PUT = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class Proxied(NamedTuple):
    """A proxy that runs, with its replicas."""

    port: int
    metrics: int
    replicas: list[Replica]
    log: Path

    def ask(
        self, method: str, path: str, port: int = 0, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", port or self.port, timeout=WAIT_S)
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def line(self, message: str) -> dict[str, Any]:
        """Return the line of the access log with this message, as soon as it is there."""

        def found() -> list[dict[str, Any]]:
            text = self.log.read_text()
            lines = [json.loads(line) for line in text.splitlines(keepends=True) if whole(line)]
            return [line for line in lines if line["message"] == message]

        def whole(line: str) -> bool:
            return line.startswith("{") and line.endswith("\n")

        until(lambda: bool(found()))
        return found()[-1]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + STARTED_S
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def haproxy_path() -> str:
    places = f"{os.environ['PATH']}:/usr/sbin"
    if shutil.which("haproxy", path=places) is None:
        pytest.skip("haproxy is not installed")
    return places


@contextmanager
def proxied(folder: Path, **variables: str) -> Iterator[Proxied]:
    places = haproxy_path()
    replicas = [Replica(), Replica()]
    for replica in replicas:
        Thread(target=replica.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    a, b = (f"127.0.0.1:{replica.server_port}" for replica in replicas)
    proxy = Proxied(free_port(), free_port(), replicas, folder / "proxy.log")
    environment = {
        "PATH": places, "LISTEN": f"127.0.0.1:{proxy.port}", "REPLICA_A": a, "REPLICA_B": b,
        "METRICS": f"127.0.0.1:{proxy.metrics}", "FORWARDERS": "", **variables,
    }  # fmt: skip
    with proxy.log.open("wb") as log:
        process = subprocess.Popen(
            ["/bin/sh", FOLDER / "start.sh", "-db"], env=environment, stdout=log, stderr=log
        )
    try:
        until(lambda: _is_healthy(proxy))
        yield proxy
    finally:
        process.kill()
        process.wait()
        for replica in replicas:
            replica.may_answer.set()
            replica.shutdown()
            replica.server_close()


def _is_healthy(proxy: Proxied) -> bool:
    try:
        return proxy.ask("GET", "/health", proxy.metrics)[0] == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    with proxied(tmp_path_factory.mktemp("proxy"), FORWARDERS="10.0.0.0/8 127.0.0.2") as proxy:
        yield proxy


@pytest.fixture
def proxy(running: Proxied) -> Proxied:
    for replica in running.replicas:
        replica.reset()
    return running


def test_what_a_replica_has_no_place_for_waits_and_is_answered(proxy: Proxied) -> None:
    for replica in proxy.replicas:
        replica.may_answer.clear()
    with ThreadPoolExecutor(60) as clients:
        reads = [clients.submit(proxy.ask, "GET", "/recommendations/1") for _ in range(40)]
        places = READS + 1
        until(lambda: [replica.now for replica in proxy.replicas] == [places, places])
        # Neither writes nor what is open for minutes waits behind them.
        writes = [clients.submit(proxy.ask, "PUT", "/users/1/ratings/2") for _ in range(2)]
        events = [clients.submit(proxy.ask, "GET", "/admin/training-runs/1/events")]
        until(lambda: sum(replica.now for replica in proxy.replicas) == 2 * places + 3)
        for replica in proxy.replicas:
            replica.may_answer.set()
        assert {asked.result()[0] for asked in [*reads, *writes, *events]} == {200}


def test_a_line_of_the_log_names_no_user_and_has_the_id_of_the_replica(proxy: Proxied) -> None:
    assert proxy.ask("GET", "/users/anna@example.org/ratings?cursor=secret")[0] == 200
    line = proxy.line("GET /users 200")
    ((path, head),) = [head for replica in proxy.replicas for head in replica.heads]
    assert path.startswith("/users/anna")
    assert line["request_id"] == head["x-request-id"]
    assert "anna" not in proxy.log.read_text()
    assert "secret" not in proxy.log.read_text()


def test_the_address_of_a_client_is_that_of_the_connection(proxy: Proxied) -> None:
    proxy.ask(
        "GET", "/movies", headers={"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "mine-1"}
    )
    ((_, head),) = [head for replica in proxy.replicas for head in replica.heads]
    assert head["x-forwarded-for"] == "127.0.0.1"
    assert head["x-request-id"] == "mine-1"


def test_a_proxy_in_front_names_the_address(tmp_path: Path) -> None:
    with proxied(tmp_path, FORWARDERS="10.0.0.0/8 127.0.0.0/8") as proxy:
        proxy.ask("GET", "/movies", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
        ((_, head),) = [head for replica in proxy.replicas for head in replica.heads]
        assert head["x-forwarded-for"] == "203.0.113.9"
        # Without replicas the answer has the shape of the API's errors, and the log says so.
        for replica in proxy.replicas:
            replica.shutdown()
            replica.server_close()
        until(lambda: not _is_healthy(proxy))
        status, body = proxy.ask("GET", "/recommendations/1")
        assert status == 503
        assert json.loads(body)["error"] == "NotReady"
        assert proxy.line("GET /recommendations 503")["level"] == "error"


def test_prometheus_is_answered(proxy: Proxied) -> None:
    body = proxy.ask("GET", "/metrics", proxy.metrics)[1]
    assert 'haproxy_backend_active_servers{proxy="reads"} 2' in body
    assert proxy.ask("GET", "/other", proxy.metrics)[0] == 404


def test_the_configuration_with_tls_is_accepted(tmp_path: Path) -> None:
    made = tmp_path / "made"
    key, certificate = made / "key", made / "certificate"
    made.mkdir()
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / "localhost.pem").write_bytes(certificate.read_bytes() + key.read_bytes())
    names = {"LISTEN": ":1", "TLS_LISTEN": ":2", "METRICS": ":3", "CERTIFICATES": str(folder)}
    replicas = {"REPLICA_A": "127.0.0.1:4", "REPLICA_B": "127.0.0.1:5", "FORWARDERS": ""}
    command = ["/bin/sh", str(FOLDER / "start.sh"), "-c"]
    environment = {"PATH": haproxy_path(), **names, **replicas}
    subprocess.run(command, env=environment, check=True, capture_output=True)


def given(name: str) -> list[str]:
    """Return the arguments of each line of the configuration that begins with this name."""
    return re.findall(rf"^ +{name} (.+)$", CONFIG, re.MULTILINE)


def seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()  # type: ignore[union-attr]
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def test_a_draining_replica_is_noticed_before_it_stops_and_a_slow_one_is_kept() -> None:
    (check,) = [line for line in given("default-server") if line.startswith("check")]
    of = dict(re.findall(r"(\w+) (\S+)", check.removeprefix("check ")))
    noticed = seconds(of["inter"]) + (int(of["fall"]) - 1) * seconds(of["fastinter"])
    dockerfile = (FOLDER.parent.parent / "Dockerfile").read_text(encoding="utf-8")
    (drain,) = re.findall(rf"{PREFIX}DRAIN_SECONDS=(\d+)", dockerfile)
    assert noticed <= int(drain) / 2
    assert int(of["fall"]) > 1, "one slow answer is no reason"
    assert seconds(*given("timeout check")) >= 2 * seconds(of["inter"])


def test_the_bounds_of_the_proxy_are_those_of_a_replica() -> None:
    places = dict(re.findall(r"(READS|WRITES)=\$\(\((\d+) ", START))
    assert {name: int(n) for name, n in places.items()} == {
        "READS": READS + 1,
        "WRITES": WRITES + 1,
    }
    most = [int(n) for line in given("default-server") for n in re.findall(r"maxconn (\d+)", line)]
    assert most
    assert max(most) < MAX_CONNECTIONS
    assert seconds(*given("timeout queue")) <= REQUESTS.lock_s
    assert seconds(given("timeout server")[1]) == GRACE_S


def test_what_the_proxy_answers_itself_has_the_shape_of_the_errors_of_the_api() -> None:
    document = json.loads((FOLDER.parents[1] / "clients" / "openapi.json").read_text())
    of_the_api = set(document["components"]["schemas"]["ErrorCode"]["enum"])
    lines = [
        *given("http-error"),
        *(line for line in given("http-request") if "status 503" in line),
    ]
    assert {line.split()[1 + line.startswith("return")] for line in lines} == {
        "400", "408", "502", "503", "504",
    }  # fmt: skip
    for line in lines:
        body = json.loads(*re.findall(r"string '(.+)'", line))
        assert "content-type application/json" in line
        assert set(body) == {"error", "detail"}
        assert body["error"] in of_the_api | {"BadGateway", "GatewayTimeout"}
        assert ("hdr Retry-After" in line) == ("status 503" in line)

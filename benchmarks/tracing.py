"""What traces cost a cached response of `recommender serve` on kept connections.

    python -m benchmarks.tracing [--before FOLDER] [--seconds .4] [--rounds 100] [--json FILE]

The same request is answered by services that trace nothing (twice, to see how much two equal ones
differ), one in a hundred, and all; and by that of another checkout, the one before there were
traces. Spans go to a collector in a process of its own. Many short rounds alternate, and figures
are medians of the ratios of processor time to a request, so that other load affects both sides.
Exits with 1 where one in a hundred costs more than a twentieth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.load import FailedRequestError
from benchmarks.load import load as put_load
from benchmarks.serve import CONNECTIONS, REQUEST, Server, on_core, serve
from benchmarks.serving_world import make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

SHAPE = (9_700, 500)
OFF = "off"
SHARES = {OFF: 0.0, "off, once more": 0.0, "1 %": 0.01, "100 %": 1.0}
BEFORE = "before"
LIMIT = 1.05


class Collector(BaseHTTPRequestHandler):
    """Takes spans, and forgets them."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer without a look."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def collector(core: int | None) -> Iterator[str]:
    """Run a collector in a process of its own; give its address."""
    command = on_core(core, [sys.executable, "-m", "benchmarks.tracing", "--collect"])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 (ourselves)
    try:
        port = process.stdout.readline().strip() if process.stdout else ""
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def collect() -> None:
    """Be that process."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


def measure(
    folder: Path, key: str, before: Path | None, seconds: float, rounds: int
) -> dict[str, list[float]]:
    """Put load on one service after the other; return microseconds of processor to a request."""
    cores = sorted(os.sched_getaffinity(0))
    ours, load = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    with ExitStack() as stack:
        endpoint = stack.enter_context(collector(load))
        servers = {}
        if before:
            servers[BEFORE] = stack.enter_context(serve(folder, ours, checkout=before))
        for name, share in SHARES.items():
            more = {
                "RECOMMENDER_TRACE_SHARE": str(share),
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            }
            servers[name] = stack.enter_context(serve(folder, ours, more=more))
        if load is not None:
            os.sched_setaffinity(0, {load})
        lines = [f"GET {REQUEST} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}"]
        request = "\r\n".join([*lines, "", ""])
        found: dict[str, list[float]] = {name: [] for name in servers}
        while len(found[OFF]) < rounds:
            turn = len(found[OFF]) % len(servers)
            order = [*servers][turn:] + [*servers][:turn]
            try:
                spent = {name: cost(servers[name], request.encode(), seconds) for name in order}
            except FailedRequestError:  # the machine is busy, and the response out of date
                continue
            for name, value in spent.items():
                found[name].append(value)
    return found


def cost(server: Server, request: bytes, seconds: float) -> float:
    """Put load on a service; return microseconds of its processor to a request."""
    begin = processor_ns(server.pid)
    sent = asyncio.run(put_load(server.port, request, seconds, CONNECTIONS, 0))
    return (processor_ns(server.pid) - begin) / 1000 / sent["requests"]


def processor_ns(process_id: int) -> int:
    """Return what a process has used so far (Linux)."""
    return time.clock_gettime_ns((~process_id << 3) | 2)  # as clock_getcpuclockid(3)


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, help="checkout of the version to compare with")
    parser.add_argument("--seconds", type=float, default=0.4, help="of load per service and round")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--collect", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.collect:
        collect()
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = make_world(folder, *SHAPE)
        found = measure(folder, key, arguments.before, arguments.seconds, arguments.rounds)
    ratios = {
        name: statistics.median(a / b for a, b in zip(values, found[OFF], strict=True))
        for name, values in found.items()
    }
    print(f"{'traced':<20}{'µs of processor':>18}{'to off':>10}")
    for name, values in found.items():
        print(f"{name:<20}{statistics.median(values):18.1f}{ratios[name]:10.3f}")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps({"us": found, "ratios": ratios}, indent=2) + "\n")
    sys.exit(ratios["1 %"] > LIMIT)


if __name__ == "__main__":
    main()

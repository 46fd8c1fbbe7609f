"""A load generator for one address: keep-alive connections that send the same request again.

    python -m benchmarks.load PORT PATH [--seconds 3] [--connections 8] [--rate 0] [--header H]...

Without a rate each connection sends as soon as it has its response. With one, requests are due at
even intervals, and a latency counts from when a request was due, not from when it could be sent.
Prints JSON: requests per second, and the latencies' median and 99th percentile in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from time import perf_counter


class FailedRequestError(Exception):
    """The status of a response is not 200, or there is none at all."""


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise FailedRequestError(head.decode())
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await reader.readexactly(int(length))


async def _connection(
    port: int, request: bytes, begin: float, end: float, distance: float, offset: float
) -> list[float]:
    """Send until the end; return the latency of each request in seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    latencies = []
    due = begin + offset
    while (now := perf_counter()) < end:
        if distance:
            await asyncio.sleep(max(due - now, 0))
            since = due
            due += distance
        else:
            since = now
        await _ask(reader, writer, request)
        latencies.append(perf_counter() - since)
    writer.close()
    return latencies


async def load(
    port: int, request: bytes, seconds: float, connections: int, rate: float
) -> dict[str, float]:
    """Send from all connections at once."""
    begin = perf_counter()
    distance = connections / rate if rate else 0.0
    per_connection = await asyncio.gather(
        *(
            _connection(port, request, begin, begin + seconds, distance, distance * i / connections)
            for i in range(connections)
        )
    )
    latencies = sorted(value for values in per_connection for value in values)
    if not latencies:
        raise FailedRequestError(f"no response within {seconds:g} s")
    return {
        "requests": len(latencies),
        "per_second": len(latencies) / (perf_counter() - begin),
        "p50_ms": 1000 * statistics.median(latencies),
        "p99_ms": 1000 * latencies[int(0.99 * len(latencies))],
    }


def main() -> None:
    """Send what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--header", action="append", default=[])
    arguments = parser.parse_args()
    lines = [f"GET {arguments.path} HTTP/1.1", "Host: 127.0.0.1", *arguments.header, "", ""]
    figures = asyncio.run(
        load(
            arguments.port,
            "\r\n".join(lines).encode(),
            arguments.seconds,
            arguments.connections,
            arguments.rate,
        )
    )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

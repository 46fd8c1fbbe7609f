"""The service, as people run it, with more requests than it can answer."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.app.service_process import serving
from tests.app.world import World

# Four times as many as may work and wait at a time.
CONNECTIONS = 64
SECONDS = 1.5
# Once all threads have worked; the queue of an overload took a hundred times as much.
MAX_GROWTH_KB = 40_000


async def ask(port: int, path: str) -> tuple[int, bytes]:
    """Send a request on a connection of its own; return status and head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert body.startswith(b"{")
    return int(head[9:12]), head.lower()


async def load(port: int, seconds: float, connections: int) -> list[tuple[int, bytes]]:
    """Ask for what is not cached, each connection again as soon as it is answered."""
    end, answers = time.monotonic() + seconds, []

    async def keep_asking(number: int) -> None:
        n = 0
        while time.monotonic() < end:
            n += 1
            path = f"/recommendations/1?limit=5&exclude={10**6 * (number + 1) + n}"
            answers.append(await ask(port, path))

    live = asyncio.create_task(keep_alive(port, end))
    await asyncio.gather(*(keep_asking(number) for number in range(connections)))
    assert await live == {200}
    return answers


async def keep_alive(port: int, end: float) -> set[int]:
    statuses = set()
    while time.monotonic() < end:
        statuses.add((await ask(port, "/health/live"))[0])
        await asyncio.sleep(0.05)
    return statuses


def memory_kb(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_some_requests_are_answered_and_the_others_refused_at_once(
    world: World, tmp_path: Path
) -> None:
    with serving(world.settings, tmp_path) as running:
        port = int(running.address.rpartition(":")[2])
        asyncio.run(load(port, 0.5, 4))  # all that is loaded with the first request
        before = memory_kb(running.process.pid)
        answers = asyncio.run(load(port, SECONDS, CONNECTIONS))
        statuses = [status for status, _ in answers]
        assert set(statuses) == {200, 503}
        assert all(b"\r\nretry-after: " in head for status, head in answers if status == 503)
        assert memory_kb(running.process.pid) - before < MAX_GROWTH_KB
        calm = asyncio.run(load(port, 0.3, 1))
        assert {status for status, _ in calm} == {200}
    log = running.log.read_text()
    refusals = [line for line in log.splitlines() if "refused within" in line]
    assert 1 <= len(refusals) < statuses.count(503)
    assert '"status": 503' not in log
    assert "Traceback" not in log

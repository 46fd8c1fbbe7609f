"""A TCP proxy in front of PostgreSQL that delays, goes silent and cuts."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

from sqlalchemy import URL


class Proxy:
    """Passes everything on until told otherwise; runs on an event loop of its own.

    While it is silent it accepts connections and data, as the kernel of a stopped server does.
    """

    def __init__(self, socket: str) -> None:
        self.delay_s = 0.0
        self.port = 0
        self._socket = socket
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._listen())

    def silence(self) -> None:
        """Pass nothing on, in either direction."""
        self._loop.call_soon_threadsafe(self._passing.clear)

    def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        self._run(self._cut())

    def restore(self, *, moved: bool = False) -> None:
        """Pass everything on again, or, as after a move to another address, only what is new."""
        self.delay_s = 0.0
        if moved:
            self._passing = asyncio.Event()
        self._loop.call_soon_threadsafe(self._passing.set)
        if self._server is None:
            self._run(self._listen())

    def close(self) -> None:
        self._run(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = self._passing
        with suppress(OSError):
            there = await asyncio.open_unix_connection(self._socket)
            for ends in ((reader, there[1]), (there[0], writer)):
                task = asyncio.ensure_future(self._pass_on(passing, *ends))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self, passing: asyncio.Event, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while data := await reader.read(65536):
                await passing.wait()
                await asyncio.sleep(self.delay_s)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@contextmanager
def proxy_to(url: URL) -> Iterator[tuple[Proxy, str]]:
    """Give a proxy to the server of a database, and the address of the database behind it."""
    folder = url.query.get("host") or url.host
    assert isinstance(folder, str)
    proxy = Proxy(str(Path(folder) / f".s.PGSQL.{url.port or 5432}"))
    try:
        moved = url.difference_update_query(["host"]).set(host="127.0.0.1", port=proxy.port)
        yield proxy, moved.render_as_string(hide_password=False)
    finally:
        proxy.close()

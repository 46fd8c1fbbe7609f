"""Runs the HTTP server on a socket that is bound already, in one process or in several."""

import asyncio
import gc
import logging
import multiprocessing
import os
import signal
import socket as sockets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from threading import Timer
from types import FrameType
from typing import NamedTuple

import uvicorn
from uvicorn.supervisors import Multiprocess

from app.cli import output
from app.config import Settings
from app.core import metrics
from app.core.logging import log_config
from app.http.connections import Bounds, Connections, raise_descriptor_limit
from app.http.protocol import HttpProtocol
from app.http.shutdown import QUIET_S, Draining, new_draining, refuse_new_connections
from app.main import create_app

logger = logging.getLogger(__name__)

# Requests in progress when the service is told to stop may take this long.
GRACE_S = 30
TICK_S = 0.05
# A worker that does not serve by then says in its log why.
MAX_START_S = 60
# A worker that answers nothing for so long is killed and replaced. One that only gets no processor,
# on a host with too much else to do, comes back sooner, and with it what it was about to answer.
MAX_SILENT_S = 30


class PortTakenError(Exception):
    """Another process listens on the port of the service."""


class GracefulShutdown(NamedTuple):
    """Drains for some seconds after SIGTERM; Ctrl-C and a second SIGTERM stop at once."""

    draining: Draining
    seconds: float

    def begins_with(self, number: int) -> bool:
        """Tell whether a signal starts draining; from now on the service is not ready."""
        begins = number == signal.SIGTERM and self.seconds > 0 and not self.draining.value
        self.draining.value = True
        return begins


@dataclass(frozen=True)
class Watch:
    """What each worker looks after once a second, while it serves."""

    connections: Connections
    draining: Draining

    async def __call__(self) -> None:
        """Close what slow clients left open; stop when the main process has gone."""
        self.connections.check()
        main = multiprocessing.parent_process()
        if main is not None and not main.is_alive():
            self.draining.value = True
            signal.raise_signal(signal.SIGTERM)


class AnnouncingServer(uvicorn.Server):
    """Announces its address as soon as it serves."""

    def __init__(
        self, config: uvicorn.Config, announcement: str, graceful: GracefulShutdown
    ) -> None:
        super().__init__(config)
        self.announcement = announcement
        self.graceful = graceful
        self._ends_at = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, now or after draining."""
        if self.started and self.graceful.begins_with(sig):
            self._ends_at = time.monotonic() + self.graceful.seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Tell whether to stop; asked ten times a second."""
        return await super().on_tick(counter) or time.monotonic() >= self._ends_at

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        _resume_garbage_collection()
        if self.started and not self.should_exit:
            output.say(self.announcement)

    async def shutdown(self, sockets: list[sockets.socket] | None = None) -> None:
        """Answer what is on its way, then stop."""
        self.graceful.draining.value = True
        for socket in sockets or ():
            refuse_new_connections(socket)
        with suppress(TimeoutError):
            async with asyncio.timeout(QUIET_S):
                await self._all_have_left()
        await super().shutdown(sockets)

    async def _all_have_left(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if not self.server_state.connections:
                return


class AnnouncingWorkers(Multiprocess):
    """Several processes that accept from one socket; one that dies is replaced."""

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[sockets.socket],
        announcement: str,
        graceful: GracefulShutdown,
    ) -> None:
        super().__init__(config, sockets)
        self.announcement = announcement
        self.graceful = graceful

    def handle_term(self) -> None:
        """Stop, now or after draining; until then workers that die are replaced."""
        if self.graceful.begins_with(signal.SIGTERM):
            later = Timer(self.graceful.seconds, self.should_exit.set)
            later.daemon = True  # a second signal does not wait for it
            later.start()
        else:
            super().handle_term()

    def init_processes(self) -> None:
        """Start them, and announce when the first one serves."""
        super().init_processes()
        if self.processes[0].wait_until_ready(MAX_START_S, self.should_exit):
            output.say(self.announcement)

    def terminate_all(self) -> None:
        """Answer what is on its way, then stop them."""
        self.graceful.draining.value = True
        for socket in self.sockets:
            refuse_new_connections(socket)
            socket.close()  # or the kernel takes connections that nobody accepts any more
        time.sleep(QUIET_S)
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        """Replace workers that died, say so, and drop their current metrics."""
        before = self.processes[:]
        super().keep_subprocess_alive()
        for process in before:
            if process not in self.processes and process.pid:
                logger.warning("worker %d has ended and is replaced", process.pid)
                if metrics.SHARED_FOLDER in os.environ:
                    metrics.forget_worker(process.pid)


@contextmanager
def listening_socket(settings: Settings) -> Iterator[sockets.socket]:
    """Bind the address and port of the service; clients cannot connect until it serves."""
    with bound_socket(settings.host, settings.port, "--port or RECOMMENDER_PORT") as socket:
        yield socket


@contextmanager
def bound_socket(host: str, port: int, setting: str) -> Iterator[sockets.socket]:
    """Bind an address and port; raises `PortTakenError`, which names the setting."""
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named; without it the head and the body of
    # a response, two sends, meet a delayed acknowledgement: 44 ms on every kept connection.
    with sockets.socket(family, sockets.SOCK_STREAM, sockets.IPPROTO_TCP) as socket:
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        with _port_named(host, port, setting):
            socket.bind((host, port))
        yield socket


def serve_on(socket: sockets.socket, settings: Settings, examples: Sequence[str] = ()) -> None:
    """Serve until told to stop; `examples` are commands to try."""
    host, port = socket.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    announcement = "\n    ".join(
        [
            f"Serving on {address} (Ctrl-C stops it)",
            *([f"page           {address}"] if settings.shows_public_page else []),
            f"for operators  {address}/admin",
            f"documentation  {address}/docs",
            *([f"guide          {address}/guide"] if settings.guide_dir else []),
            *(example.format(address=address) for example in examples),
        ]
    )
    graceful = GracefulShutdown(new_draining(), settings.drain_seconds)
    bounds = Bounds.of(raise_descriptor_limit())
    connections = Connections(bounds.connections)
    config = uvicorn.Config(
        # Made anew in each process; a partial, since it is sent to the workers.
        partial(create_app, settings, graceful.draining),
        factory=True,
        workers=settings.workers,
        http=partial(HttpProtocol, connections),  # type: ignore[arg-type]  # as good as a class
        ws="none",
        loop="asyncio",
        backlog=bounds.backlog,
        callback_notify=Watch(connections, graceful.draining),
        timeout_notify=0,  # with each date, once a second
        log_config=log_config(settings),
        access_log=False,
        proxy_headers=False,  # app.auth.addresses decides which of them to trust
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=MAX_SILENT_S,
    )
    if settings.workers == 1:
        with _metrics_port(settings):
            AnnouncingServer(config, announcement, graceful).run(sockets=[socket])
        return
    _resume_garbage_collection()
    with metrics.share_between_workers(), _metrics_port(settings):
        AnnouncingWorkers(config, [socket], announcement, graceful).run()


@contextmanager
def _metrics_port(settings: Settings) -> Iterator[None]:
    if not settings.metrics_port:
        yield
        return
    with _port_named(settings.host, settings.metrics_port, "RECOMMENDER_METRICS_PORT"):
        server = metrics.serve_on(settings.host, settings.metrics_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _port_named(host: str, port: int, setting: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PortTakenError(
            f"cannot serve on {host} port {port}: {error.strerror}. "
            f"Choose another port with {setting}"
        ) from error


def _resume_garbage_collection() -> None:
    """Collect garbage only among what is made from now on."""
    gc.freeze()
    gc.enable()

"""Runs the service on a socket that was taken beforehand, in one process or in several."""

import gc
import os
import signal
import socket as sockets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Timer
from types import FrameType
from typing import NamedTuple

import uvicorn
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from app.cli import output as console
from app.config import Settings
from app.core import metrics
from app.core.logging import log_config
from app.http.shutdown import Draining, new_draining
from app.main import create_app

# Requests under way when the service is told to stop get this long to be answered.
GRACE_S = 30
# A worker that has not begun to serve by then says in its log why.
START_S = 60


class PortTakenError(Exception):
    """Something else listens where the service should."""


class GracefulShutdown(NamedTuple):
    """How to stop at SIGTERM: say so, and go on for a while.

    Ctrl-C and a second SIGTERM do not wait.
    """

    draining: Draining
    seconds: float

    def begins(self, number: int) -> bool:
        """Tell whether this signal is the one to wait after; from now on the service says so."""
        begins = number == signal.SIGTERM and self.seconds > 0 and not self.draining.value
        self.draining.value = True
        return begins


class AnnouncingServer(uvicorn.Server):
    """Says where it serves as soon as it does, not before."""

    def __init__(self, config: uvicorn.Config, announcement: str, leave: GracefulShutdown) -> None:
        super().__init__(config)
        self.announcement = announcement
        self.leave = leave
        self._leaves_at = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop, now or in a while."""
        if self.started and self.leave.begins(sig):
            self._leaves_at = time.monotonic() + self.leave.seconds
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Tell whether to stop; asked ten times a second."""
        return await super().on_tick(counter) or time.monotonic() >= self._leaves_at

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        _collect_from_now_on()
        if self.started and not self.should_exit:
            _announce(self.announcement)


class AnnouncingWorkers(Multiprocess):
    """Several processes that accept from one socket; one that dies is replaced."""

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[sockets.socket],
        announcement: str,
        leave: GracefulShutdown,
    ) -> None:
        super().__init__(config, sockets)
        self.announcement = announcement
        self.leave = leave

    def handle_term(self) -> None:
        """Stop, now or in a while; until then workers that die are replaced as ever."""
        if self.leave.begins(signal.SIGTERM):
            later = Timer(self.leave.seconds, self.should_exit.set)
            later.daemon = True  # a second signal does not wait for it
            later.start()
        else:
            super().handle_term()

    def init_processes(self) -> None:
        """Start them, and announce when the first one serves."""
        super().init_processes()
        if self.processes[0].wait_until_ready(START_S, self.should_exit):
            _announce(self.announcement)

    def keep_subprocess_alive(self) -> None:
        """Replace those that died, and forget what they said of the present."""
        before = self.processes[:]
        super().keep_subprocess_alive()
        _forget([process for process in before if process not in self.processes])


@contextmanager
def listening_socket(settings: Settings) -> Iterator[sockets.socket]:
    """Take the address and port of the service; nobody can connect until it serves."""
    family = sockets.AF_INET6 if ":" in settings.host else sockets.AF_INET
    with sockets.socket(family, sockets.SOCK_STREAM) as socket:
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        with _naming_the_port(settings.host, settings.port, "RECOMMENDER_PORT"):
            socket.bind((settings.host, settings.port))
        yield socket


def serve_on(socket: sockets.socket, settings: Settings, examples: Sequence[str] = ()) -> None:
    """Serve until told to stop; `examples` are paths that people may want to try."""
    host, port = socket.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    announcement = "\n    ".join(
        [
            f"Serving on {address} (Ctrl-C stops it)",
            *([f"page           {address}"] if settings.shows_public_page else []),
            f"for operators  {address}/admin",
            f"documentation  {address}/docs",
            *(example.format(address=address) for example in examples),
        ]
    )
    leave = GracefulShutdown(new_draining(), settings.drain_seconds)
    config = uvicorn.Config(
        # Made anew in each process; a partial, since it is sent to the workers.
        partial(create_app, settings, leave.draining),
        factory=True,
        workers=settings.workers,
        http="h11",  # bounds the head of a request, which the faster one does not
        log_config=log_config(settings),
        access_log=False,
        proxy_headers=False,  # app.auth.addresses decides which of them to believe
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    if settings.workers == 1:
        with _metrics_port(settings):
            AnnouncingServer(config, announcement, leave).run(sockets=[socket])
        return
    _collect_from_now_on()
    with metrics.share_between_workers(), _metrics_port(settings):
        AnnouncingWorkers(config, [socket], announcement, leave).run()


@contextmanager
def _metrics_port(settings: Settings) -> Iterator[None]:
    if not settings.metrics_port:
        yield
        return
    with _naming_the_port(settings.host, settings.metrics_port, "RECOMMENDER_METRICS_PORT"):
        server = metrics.serve_on(settings.host, settings.metrics_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _naming_the_port(host: str, port: int, setting: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PortTakenError(
            f"cannot serve on {host} port {port}: {error.strerror}. "
            f"Choose another port with {setting}"
        ) from error


def _collect_from_now_on() -> None:
    """Look for garbage only in what is made from now on."""
    gc.freeze()
    gc.enable()


def _announce(text: str) -> None:
    console.out.print(text, markup=False, highlight=False, soft_wrap=True)


def _forget(ended: Sequence[Process]) -> None:
    for process in ended:
        if process.pid is not None and metrics.SHARED_FOLDER in os.environ:
            metrics.forget_worker(process.pid)

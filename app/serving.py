"""Runs the service on a socket that was taken beforehand."""

import socket as sockets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from app import console
from app.config import Settings, check_bind
from app.logs import log_config
from app.main import create_app

# Requests under way when the service is told to stop get this long to be answered.
GRACE_S = 30


class PortTakenError(Exception):
    """Something else listens where the service should."""


class AnnouncingServer(uvicorn.Server):
    """Says where it serves as soon as it does, not before."""

    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self.announcement = announcement

    async def startup(self, sockets: list[sockets.socket] | None = None) -> None:
        """Start, then announce."""
        await super().startup(sockets)
        if self.started and not self.should_exit:
            console.out.print(self.announcement, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def listening_socket(settings: Settings) -> Iterator[sockets.socket]:
    """Take the address and port of the service; nobody can connect until it serves."""
    check_bind(settings)
    family = sockets.AF_INET6 if ":" in settings.host else sockets.AF_INET
    with sockets.socket(family, sockets.SOCK_STREAM) as socket:
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        try:
            socket.bind((settings.host, settings.port))
        except OSError as error:
            raise PortTakenError(
                f"cannot serve on {settings.host} port {settings.port}: {error.strerror}. "
                "Choose another port with RECOMMENDER_PORT"
            ) from error
        yield socket


def serve_on(socket: sockets.socket, settings: Settings, examples: Sequence[str] = ()) -> None:
    """Serve until told to stop; `examples` are paths that people may want to try."""
    host, port = socket.getsockname()[:2]
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    lines = [f"Serving on {address} (documentation at {address}/docs; Ctrl-C stops it)"]
    lines += [f"    {example.format(address=address)}" for example in examples]
    config = uvicorn.Config(
        create_app(settings),
        log_config=log_config(settings),
        access_log=False,
        proxy_headers=False,  # anybody on this machine could set them
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    AnnouncingServer(config, "\n".join(lines)).run(sockets=[socket])

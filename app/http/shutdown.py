"""Graceful shutdown: while draining, the service still answers, but asks clients to leave.

`/health/ready` says 503, so that a load balancer sends nothing new, and clients with an open
connection are told to close it.
"""

import sys
from contextlib import suppress
from ctypes import addressof, c_bool, create_string_buffer
from multiprocessing import get_context
from socket import SOL_SOCKET, socket
from struct import pack
from typing import Protocol

# Requests that are on their way when the service stops arrive within this time.
QUIET_S = 1.0

SO_ATTACH_FILTER = 26
# A filter in classic BPF over the TCP header (code, jump if true, jump if false, operand): drop a
# packet that has SYN without ACK among its flags, byte 13; let any other pass.
DROP_SYN = b"".join(
    pack("HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # load the byte
        (0x54, 0, 0, 0x12),  # and: SYN, ACK
        (0x15, 0, 1, 0x02),  # equal to SYN?
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFFFFFF),  # pass
    )
)


class Draining(Protocol):
    """Whether the service is draining; shared by all its workers."""

    value: bool


def new_draining() -> Draining:
    """Make a flag that workers share when they are started with it.

    One byte needs no lock; a worker that was killed while it held a lock would block all others.
    """
    flag: Draining = get_context("spawn").RawValue(c_bool, False)  # noqa: FBT003
    return flag


def refuse_new_connections(listening: socket) -> None:
    """Let the kernel take no further connections, for all processes that listen on this socket.

    Those that it has taken can still be accepted. Without this, the ones that come between the last
    accept and the close are reset. A client that comes now tries again, and finds the port closed.
    """
    if not sys.platform.startswith("linux"):
        return  # a connection may be reset
    program = create_string_buffer(DROP_SYN, len(DROP_SYN))
    argument = pack("HP", len(DROP_SYN) // 8, addressof(program))
    with suppress(OSError):  # a sandbox may not have filters
        listening.setsockopt(SOL_SOCKET, SO_ATTACH_FILTER, argument)

"""Graceful shutdown: while draining, the service still answers, but asks clients to leave.

`/health/ready` says 503, so that a load balancer sends nothing new, and clients with an open
connection are told to close it.
"""

from ctypes import c_bool
from multiprocessing import get_context
from typing import Protocol


class Draining(Protocol):
    """Whether the service is draining; shared by all its workers."""

    value: bool


def new_draining() -> Draining:
    """Make a flag that workers share when they are started with it.

    One byte needs no lock; a worker that was killed while it held a lock would block all others.
    """
    flag: Draining = get_context("spawn").RawValue(c_bool, False)  # noqa: FBT003
    return flag

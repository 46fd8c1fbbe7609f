"""How a service leaves: it first says that it will, and still answers until nobody asks any more.

A load balancer learns from `/health/ready` that it should send nothing new. Clients that keep their
connection are told to make another one, which then leads elsewhere.
"""

from ctypes import c_bool
from multiprocessing import get_context
from typing import Protocol


class Draining(Protocol):
    """Whether the service is about to leave; of all its workers."""

    value: bool


def new_draining() -> Draining:
    """Make one that reaches workers which are started with it.

    Without a lock, which one byte does not need: a worker killed while it held it would stop all.
    """
    flag: Draining = get_context("spawn").RawValue(c_bool, False)  # noqa: FBT003
    return flag

"""Work in processes of its own that are killed."""

import multiprocessing
import os
import random
import signal
from collections.abc import Callable, Iterator
from functools import wraps
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

# Loading these takes longer than most work: the server that forks the processes does so once. It
# computes nothing, so a fork finds no threads of numba.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["app.backup.service", "app.registry.transfer", "app.training.pipeline", "tests.app.trainings",
     "tests.app.small_releases"]
)  # fmt: skip
START_S = 60.0


def die(*_: object, **__: object) -> None:
    """Kill this process, as a replacement of a function where it is to end."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(function: Callable[..., Any], n_calls: int = 1) -> Callable[..., Any]:
    """Return the function; the process is killed after so many calls."""
    left = n_calls

    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        result = function(*arguments, **options)
        left -= 1
        return die() if left == 0 else result

    return call


def start(work: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """Return a process that has begun to work."""
    here, there = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_begin, args=(there, work, arguments))
    process.start()
    there.close()
    assert here.poll(START_S)
    here.close()
    return process


def run_until_killed(work: Callable[..., Any], *arguments: Any) -> None:
    """Run work that kills itself."""
    process = start(work, *arguments)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def kill_after(seconds: float | None, work: Callable[..., Any], *arguments: Any) -> bool:
    """Kill work after so many seconds, if any; tell whether it had not come to its end."""
    process = start(work, *arguments)
    process.join(seconds)
    process.kill()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def moments(n: int, seconds: float) -> Iterator[float]:
    """Draw moments that are spread over a time and a little longer.

    The first is the beginning, so that one comes in time though the machine is faster by then.
    """
    generator = random.Random()  # noqa: S311 (any moments do)
    yield 0.0
    for number in range(n - 1):
        yield (number + generator.random()) / (n - 1) * 1.1 * seconds


def _begin(begun: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    begun.send(None)
    begun.close()
    work(*arguments)

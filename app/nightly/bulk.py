"""Lists of all users, made by the workers of a cluster; each part is a file, whole or not there.

TARGET/lists-….parquet   the lists of a part of the users
TARGET/lists.json        what they were made of, when all are there
TARGET/.work/            until then, what a run has begun, and what its workers need
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from app.nightly.errors import OtherListsError, WorkerDiedError
from data import shared
from data.progress import Progress

if TYPE_CHECKING:
    from distributed import Client, Future

LISTS, PLAN, WORK = "lists.json", "plan.json", ".work"
# A store may be away for a moment; ended workers count apart, by Dask's own setting.
RETRIES = 3
STAGE = "lists"


class Part(NamedTuple):
    """A file and the task that writes it."""

    file: str
    write: Callable[..., Any]
    arguments: tuple[Any, ...]


def work_folder(target: str) -> str:
    """Return the place of what workers need."""
    return shared.place_of(target, WORK)


def write_parts(
    client: Client,
    target: str,
    plan: Mapping[str, Any],
    parts: Sequence[Part],
    report: Progress,
    prepare: Callable[[], None] = lambda: None,
) -> None:
    """Let workers write the parts that are not there, the first ones first.

    A folder with another plan is refused; in a new one, `prepare` writes what workers need. Raises
    `OtherListsError`, `WorkerDiedError`, and what a task raises.
    """
    _begin(target, plan, prepare)
    there = shared.names_in(target)
    missing = [part for part in parts if part.file not in there]
    n_done = len(parts) - len(missing)
    report(STAGE, n_done, len(parts))
    futures = [
        # Not pure: its result is a file, which an earlier task of the same key may not have left.
        client.submit(part.write, *part.arguments, pure=False, retries=RETRIES, priority=-place)
        for place, part in enumerate(missing)
    ]
    _follow(futures, lambda done: report(STAGE, n_done + done, len(parts)))
    description = json.dumps({**plan, "files": sorted(part.file for part in parts)}, indent=1)
    shared.write(shared.place_of(target, LISTS), description.encode())
    shared.remove(work_folder(target))


def _begin(target: str, plan: Mapping[str, Any], prepare: Callable[[], None]) -> None:
    place = shared.place_of(work_folder(target), PLAN)
    if shared.exists(shared.place_of(target, LISTS)):
        raise OtherListsError(target)
    if not shared.exists(place):
        prepare()
        shared.write(place, json.dumps(plan).encode())
    elif json.loads(shared.read(place)) != plan:
        raise OtherListsError(target)


def _follow(futures: Sequence[Future[Any]], report: Callable[[int], None]) -> None:
    """Wait for all; raise the error of the first that failed."""
    from distributed import KilledWorker, as_completed  # noqa: PLC0415 (an extra)

    try:
        for done, future in enumerate(as_completed(futures), 1):  # type: ignore[no-untyped-call]
            future.result()
            report(done)
    except KilledWorker as error:
        raise WorkerDiedError from error
    finally:
        for future in futures:
            future.cancel()  # type: ignore[no-untyped-call]

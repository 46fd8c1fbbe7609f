"""`recommender export recommendations`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from app.cli import output
from app.cli.session import open_database, open_store, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.config import Settings
    from app.datasets.contents import Format
    from app.nightly.service import NightlyService


class Wanted(NamedTuple):
    """Which lists; a revision of -1 is before all users."""

    top: int
    scenario: str | None
    changed_since: int


def export_lists(wanted: Wanted, path: Path | None, format_: Format) -> None:
    """Write the lists to a file; to standard output without a name."""
    from app.cli import progress as bars
    from app.cli.interruption import stoppable

    settings = read_settings()
    if path is None:
        with (
            _opened(settings, wanted) as service,
            stoppable(lambda: "the lists that are written are whole, the others are missing"),
            bars.lines() as report,
        ):
            service.write(sys.stdout.buffer, format_, report)
            sys.stdout.buffer.flush()
        return
    from app.cli.failures import writing_to

    with (
        _opened(settings, wanted) as service,
        stoppable(_kept),
        bars.stages() as report,
        writing_to(path.parent),
    ):
        done = service.write_file(path, format_, report)
    _say(done.n_users, f"in {path}", done.revision, resumed=done.resumed)


def export_lists_into_table(wanted: Wanted) -> None:
    """Replace the lists in the table `nightly_lists`."""
    from app.cli import progress as bars
    from app.cli.interruption import stoppable

    settings = read_settings()
    with _opened(settings, wanted) as service, stoppable(_kept), bars.stages() as report:
        done = service.write_table(settings.models_dir, report)
    _say(done.n_users, "in the table nightly_lists", done.revision, resumed=done.resumed)


@contextmanager
def _opened(settings: Settings, wanted: Wanted) -> Iterator[NightlyService]:
    from app.nightly.opening import nightly_service

    with open_database(settings) as database:
        yield nightly_service(database, settings, *wanted)


def export_lists_by_dask(wanted: Wanted, target: str, shards: str | None, address: str) -> None:
    """Let the workers of a cluster write the lists of all users, or of those of a partition."""
    from app.cli.failures import require

    require("distributed")
    from app.cli import progress as bars
    from app.cli.interruption import stoppable
    from app.nightly.of_shards import write_lists_of_shards
    from app.nightly.of_users import write_lists_of_users
    from data.shards import Partition
    from model.distributed.cluster import connected

    settings = read_settings()
    partition = None if shards is None else Partition.read(shards)
    with (
        _opened(settings, wanted) as service,
        connected(address) as client,
        stoppable(_kept),
        bars.stages() as report,
    ):
        if partition is None:
            n_users = write_lists_of_users(client, service, target, report)
        else:
            lists, store = service.lists, open_store(settings)
            n_users = write_lists_of_shards(client, lists, store, partition, target, report)
    output.say(f"The lists of {n_users:,} users are in {target}.")


def _kept() -> str:
    return "the same command goes on where this one stopped"


def _say(n_users: int, where: str, revision: int, *, resumed: bool) -> None:
    how = ", after those of a run that was stopped" if resumed else ""
    output.say(f"The lists of {n_users:,} users are {where}{how}.")
    output.say(f"For users who change from now on: --changed-since {revision}")

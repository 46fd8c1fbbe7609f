"""`recommender export recommendations`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import TIMEOUT_MAX
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
    from app.live.model_reloader import ModelReloader
    from app.live.recency import Recency
    from app.nightly.lists import NightlyLists
    from app.nightly.service import NightlyService
    from app.recommendations.service import RecommendationService

    threshold = settings.like_threshold
    with open_database(settings) as database:
        models = ModelReloader(
            database, open_store(settings), threshold, Recency.of(settings), TIMEOUT_MAX
        )
        models.poll()
        recommendations = RecommendationService(
            database, models.current, threshold, settings.rating_half_life_days
        )
        if models.state is None:
            raise RuntimeError("the reloader has not polled")
        lists = NightlyLists(recommendations, wanted.top, wanted.scenario)
        yield NightlyService(lists, models.state, wanted.changed_since)


def _kept() -> str:
    return "the same command goes on where this one stopped"


def _say(n_users: int, where: str, revision: int, *, resumed: bool) -> None:
    how = ", after those of a run that was stopped" if resumed else ""
    output.say(f"The lists of {n_users:,} users are {where}{how}.")
    output.say(f"For users who change from now on: --changed-since {revision}")

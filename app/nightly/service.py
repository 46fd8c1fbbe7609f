"""Writes the lists of all users, or of those who changed, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from app.datasets.contents import Format
from app.datasets.encoding import join, writer
from app.live.repository import ServingState
from app.nightly import repository
from app.nightly.lists import NightlyLists, Row
from app.nightly.parts import Parts, opened
from app.nightly.repository import Changed
from data.progress import Progress

# Users of a part: with 20 movies each, their rows are 15 MB, and are made in about a second.
PART = 2_048
STAGE = "lists"
COLUMNS = Row._fields
# Below the models folder, which is on a lasting disk.
FOLDER = ".lists"
# A run goes on with the parts of another one that is equal in these.
SAME = ("model", "rules", "movies", "imported", "top", "scenario", "changed_since", "format")

Made = list[tuple[int, list[Row]]]  # the id of each user, and the list


class Summary(NamedTuple):
    """What was written. Users who change later have a higher revision than this one."""

    n_users: int
    revision: int
    resumed: bool = False


class NightlyService:
    """Writes lists to a stream, to a file or into the table `nightly_lists`."""

    def __init__(self, lists: NightlyLists, state: ServingState, changed_since: int = -1) -> None:
        self.lists = lists
        self.state = state
        self.changed_since = changed_since
        self.database = lists.recommendations.database

    def write(self, file: BinaryIO, format_: Format, report: Progress) -> Summary:
        """Write the lists as they are made; nothing is kept for another run."""
        n_users = 0
        with writer(file, format_, COLUMNS) as write:
            for _, made in self._made(0, report):
                write(_rows(made))
                n_users += len(made)
        return Summary(n_users, self.state.ratings_revision)

    def write_file(self, path: Path, format_: Format, report: Progress) -> Summary:
        """Write a file, whole or not at all; parts are kept beside it until then."""
        folder = path.with_name(f".{path.name}.unfinished")
        with opened(folder, self.named(format_.value), SAME) as parts:
            n_users = 0
            for last, made in self._made(parts.last, report):

                def write_part(file: BinaryIO, made: Made = made) -> None:
                    with writer(file, format_, COLUMNS) as write:
                        write(_rows(made))

                parts.add(last, write_part)
                n_users += len(made)
            parts.finish(lambda file: join(file, format_, COLUMNS, parts.files), path)
            return self._summary(parts, n_users)

    def write_table(self, models_dir: Path, report: Progress) -> Summary:
        """Replace the lists in the table; each user has the old or the new one at any time."""
        scenario = self.lists.scenario
        folder = models_dir / FOLDER / (scenario or "all")
        with opened(folder, self.named("table"), SAME) as parts:
            n_users = 0
            for last, made in self._made(parts.last, report):
                with self.database.unit_of_work() as connection:
                    repository.replace(connection, scenario, made)
                parts.add(last, lambda _: None)
                n_users += len(made)
            parts.forget()
            return self._summary(parts, n_users)

    def rows(self, after: int, until: int) -> Iterator[list[Row]]:
        """Yield the lists of the users with an id above `after`, not above `until`, in blocks."""
        chosen = Changed(after, self.changed_since, until)
        while True:
            with self.database.read() as connection:
                users = repository.next_users(connection, chosen, PART)
            if not users:
                return
            yield [row for rows in self.lists.of([key for _, key in users]) for row in rows]
            chosen = chosen._replace(after=users[-1][0])

    def _made(self, after: int, report: Progress) -> Iterator[tuple[int, Made]]:
        """Yield the last user and the lists of each part."""
        changed = Changed(after, self.changed_since)
        with self.database.read() as connection:
            total = repository.count(connection, changed._replace(after=0))
            n_done = total - repository.count(connection, changed)
        report(STAGE, n_done, total)
        while True:
            with self.database.read() as connection:
                users = repository.next_users(connection, changed, PART)
            if not users:
                return
            ids, keys = zip(*users, strict=True)
            yield ids[-1], list(zip(ids, self.lists.of(keys), strict=True))
            changed = changed._replace(after=ids[-1])
            n_done += len(users)
            report(STAGE, n_done, max(total, n_done))

    def named(self, format_: str) -> Mapping[str, Any]:
        """Say what decides the lists."""
        state, lists = self.state, self.lists
        return {
            "model": lists.snapshot.version,
            "rules": state.rules_revision,
            "movies": state.movies_revision,
            "imported": str(state.imported),
            "top": lists.top,
            "scenario": lists.scenario,
            "changed_since": self.changed_since,
            "format": format_,
            "revision": state.ratings_revision,
        }

    def _summary(self, parts: Parts, n_users: int) -> Summary:
        return Summary(n_users, parts.state["revision"], parts.resumed)


def _rows(made: Made) -> list[Row]:
    return [row for _, rows in made for row in rows]

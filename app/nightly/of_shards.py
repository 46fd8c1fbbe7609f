"""Lists of the users of a partition, whose ratings need not be in the database."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from app.db.model_versions import checksum
from app.nightly.bulk import Part, work_folder, write_parts
from app.nightly.errors import NotListedInBulkError
from app.nightly.lists import NightlyLists
from app.nightly.shard_lists import MODEL, PREFIX, RULES, File, Shared, Work, write_lists
from app.store.folder import ModelStore
from data import shared
from data.progress import Progress
from data.shards import Partition

if TYPE_CHECKING:
    from distributed import Client


def write_lists_of_shards(
    client: Client,
    lists: NightlyLists,
    store: ModelStore,
    partition: Partition,
    target: str,
    report: Progress,
) -> int:
    """Write the lists of all users of a partition; return how many there are.

    Raises `NotListedInBulkError`, and what `write_parts` raises.
    """
    content, version = _shared(lists).encoded(), lists.snapshot.version or ""
    with lists.recommendations.database.read() as connection:
        card_sha256 = checksum(connection, version)
    rules_sha256 = hashlib.sha256(content).hexdigest()
    plan = {
        "model": version,
        "card_sha256": card_sha256,
        "rules_sha256": rules_sha256,
        "partition_sha256": _sha256_of(partition),
        "top": lists.top,
        "scenario": lists.scenario,
    }
    with store.reading(version, card_sha256) as folder:
        files = sorted(path for path in folder.iterdir() if path.suffix in {".npy", ".json"})
        names = tuple(path.name for path in files)
        work = Work(work_folder(target), names, card_sha256, rules_sha256)
        write_parts(
            client, target, plan, _parts(partition, work, target), report,
            prepare=lambda: _put(work.folder, content, files),
        )  # fmt: skip
    return sum(shard.n_users for shard in partition.users)


def _shared(lists: NightlyLists) -> Shared:
    rules = lists.rules_of_all()
    if rules is None:
        raise NotListedInBulkError(lists.scenario)
    rows = [
        [str(row.movie), row.score, row.like_probability, row.source] for row in lists.fallback()
    ]
    return Shared(rules, rows)


def _parts(partition: Partition, work: Work, target: str) -> list[Part]:
    """Return a part for each file of users, the longest first."""
    movies = File(partition.place(partition.movies), partition.movies.sha256)
    shards = [shard for shard in partition.users if shard.n_users]
    return [
        Part(
            PREFIX + shard.file,
            write_lists,
            (target, work, movies, File(partition.place(shard), shard.sha256)),
        )
        for shard in sorted(shards, key=lambda shard: -shard.n_ratings)
    ]


def _put(work: str, rules: bytes, files: list[Path]) -> None:
    shared.write(shared.place_of(work, RULES), rules)
    for path in files:
        shared.upload(path, shared.place_of(work, f"{MODEL}/{path.name}"))


def _sha256_of(partition: Partition) -> str:
    described = json.dumps(partition.as_json(), sort_keys=True).encode()
    return hashlib.sha256(described).hexdigest()

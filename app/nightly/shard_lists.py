"""The lists of the users of one shard: a task for any worker that reads the folder.

What it needs is in files: the model, the rules, the shard. It writes one file, whole or not at all;
the same arguments give the same file.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from app.live.snapshot import Source
from app.nightly.lists import BLOCK, DECIMALS, ListRules
from app.recommendations.boosts import boosted
from data import shared
from data.interactions import Interactions
from data.shards import load, load_movies
from model import artifact
from model.fold_in import Given
from model.lists import ListMaker
from model.rbm import RBM
from model.scoring import rank, score_user

RULES, MODEL = "rules.npz", "model"
PREFIX = "lists-"
_SCHEMA_TYPES: dict[str, pa.DataType] = {
    "user": pa.string(),
    "position": pa.int64(),
    "movie": pa.string(),
    "score": pa.float64(),
    "like_probability": pa.float64(),
    "source": pa.string(),
}
_SCHEMA = pa.schema(_SCHEMA_TYPES)
_making = Lock()


class Work(NamedTuple):
    """Where the model and the rules lie, and their checksums."""

    folder: str
    files: tuple[str, ...]  # of the model
    card_sha256: str
    rules_sha256: str


class File(NamedTuple):
    """A file of a partition."""

    place: str
    sha256: str


class Shared(NamedTuple):
    """What all lists have in common."""

    rules: ListRules
    fallback: list[list[Any]]  # movie, score, probability, source: of who has no known rating

    def encoded(self) -> bytes:
        """Return the content of a file."""
        buffer, rules = io.BytesIO(), self.rules
        shifts = {"like_shift": rules.like_shift, "boost": rules.boost}
        np.savez(
            buffer,
            limit=rules.limit,
            allowed=rules.allowed,
            keys=rules.keys.astype(np.str_),
            fallback=json.dumps(self.fallback),
            **{name: shift for name, shift in shifts.items() if shift is not None},  # type: ignore[arg-type]
        )
        return buffer.getvalue()

    @classmethod
    def decoded(cls, content: bytes) -> Shared:
        """Read what `encoded` gives."""
        found = np.load(io.BytesIO(content), allow_pickle=False)
        shifts = (found.get("like_shift"), found.get("boost"))
        rules = ListRules(int(found["limit"]), found["allowed"], found["keys"], *shifts)
        return cls(rules, json.loads(str(found["fallback"])))


def write_lists(target: str, work: Work, movies: File, shard: File) -> int:
    """Write the lists of a shard's users into the target folder; return the number of users."""
    with _making:  # once for all threads of a worker
        rbm, (rules, fallback) = _machine(work)
        movie_ids = _movie_ids(movies)
    users = load(shard.place, shard.sha256, len(movie_ids))
    users = Interactions(
        users.indptr, users.movie_rows, users.liked, users.user_keys, movie_ids
    ).with_movies(rbm.movie_ids)
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, _SCHEMA, compression="zstd") as file:
        for table in _tables(users, rbm, rules, fallback):
            file.write_table(table)
    name = shard.place.rsplit("/", 1)[-1]
    shared.write(shared.place_of(target, PREFIX + name), buffer.getvalue())
    return users.n_users


def _tables(
    users: Interactions, rbm: RBM, rules: ListRules, fallback: list[list[Any]]
) -> Iterator[pa.Table]:
    maker = ListMaker(rbm, rules.allowed, like_shift=rules.like_shift, boost=rules.boost)
    rated = users.ratings_per_user > 0
    if not rated.all():
        yield _fallback(users.user_keys[~rated], fallback)
    rows = np.flatnonzero(rated)
    for begin in range(0, len(rows), BLOCK):
        block = rows[begin : begin + BLOCK]
        given = [Given(*_of(users, row)) for row in block]
        yield _block(users.user_keys[block], given, maker, rules)


def _block(
    keys: NDArray[np.str_], given: list[Given], maker: ListMaker, rules: ListRules
) -> pa.Table:
    """Return the lists of some users; where a product is not sure, of one user after the other."""
    nothing = np.empty(0, np.int64)
    made = maker.lists(given, [nothing] * len(given), rules.limit)
    rows, scores = [*made.rows], [*made.score]
    likes = [*made.like_given_seen]
    for user in np.flatnonzero(~made.certain).tolist():
        rows[user], scores[user], likes[user] = _alone(maker.rbm, given[user], rules)
    return _table(
        np.repeat(keys, [len(each) for each in rows]),
        [place for each in rows for place in range(1, len(each) + 1)],
        rules.keys[np.concatenate(rows)],
        _rounded(np.concatenate(scores)),
        _rounded(np.concatenate(likes)),
        Source.RBM.value,
    )


def _alone(
    rbm: RBM, given: Given, rules: ListRules
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    like, given_seen = score_user(rbm, given.movie_rows, given.liked, like_shift=rules.like_shift)
    score = like if rules.boost is None else boosted(like, rules.boost)
    left = rules.allowed.copy()
    left[given.movie_rows] = False
    rows = rank(score, rbm.movie_ids, np.flatnonzero(~left), limit=rules.limit)
    return rows, score[rows], given_seen[rows]


def _fallback(keys: NDArray[np.str_], rows: list[list[Any]]) -> pa.Table:
    n_users, n = len(keys), len(rows)
    movies, scores, likes, sources = zip(*rows, strict=True) if n else ((),) * 4
    return _table(
        np.repeat(keys, n),
        [*range(1, n + 1)] * n_users,
        np.tile(np.array(movies, dtype=np.str_), n_users),
        np.tile(np.array(scores, dtype=np.float64), n_users),
        np.tile(np.array(likes, dtype=np.float64), n_users),
        np.tile(np.array(sources, dtype=np.str_), n_users),
    )


def _table(
    users: NDArray[np.str_],
    positions: list[int],
    movies: NDArray[np.str_],
    scores: NDArray[np.float64],
    likes: NDArray[np.float64],
    source: str | NDArray[np.str_],
) -> pa.Table:
    sources = np.full(len(users), source) if isinstance(source, str) else source
    columns: list[Any] = [users, positions, movies, scores, likes, sources]
    return pa.table(columns, schema=_SCHEMA)


def _of(users: Interactions, row: np.intp) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    rows, liked = users.user(int(row))
    return rows.astype(np.int64), liked


def _rounded(values: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.round(values.astype(np.float64), DECIMALS), dtype=np.float64)


@lru_cache(maxsize=1)
def _machine(work: Work) -> tuple[RBM, Shared]:
    """Read model and rules, once for all shards that a worker gets."""
    content = shared.read(shared.place_of(work.folder, RULES))
    if hashlib.sha256(content).hexdigest() != work.rules_sha256:
        raise ValueError(f"{work.folder}/{RULES} is not the file of this export")
    place = shared.place_of(work.folder, MODEL)
    folder = shared.local_path(place)
    if folder is not None:
        return artifact.load(folder, sha256=work.card_sha256).rbm, Shared.decoded(content)
    with TemporaryDirectory() as copy:  # what is mapped stays readable when its name is gone
        for name in work.files:
            path = Path(copy) / name
            path.write_bytes(shared.read(shared.place_of(place, name)))
        return artifact.load(Path(copy), sha256=work.card_sha256).rbm, Shared.decoded(content)


@lru_cache(maxsize=1)
def _movie_ids(movies: File) -> NDArray[np.int64]:
    return load_movies(movies.place, movies.sha256).ids

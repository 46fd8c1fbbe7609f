"""What `--replace` does to the data and to the model, found out before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from app.datasets import frames, movies, repository
from app.datasets.repository import ImportedDataset
from app.db.model_versions import active_version
from app.registry import fit
from app.registry import repository as models

if TYPE_CHECKING:
    from app.store.folder import ModelStore
    from data.release import Release


class Fate(StrEnum):
    """What becomes of the active model, or of the one before it where none is active."""

    NONE = "there is none"
    STAYS = "its movies are there: it stays"
    WAITS = "its movies are gone: it is not served, but may be once they are back"
    ENDS = "its movies are others now: it is not served again"


@dataclass(frozen=True, slots=True)
class Replacement:
    """What a replacement removes and keeps."""

    before: ImportedDataset | None
    after: str
    n_removed: int
    n_kept: int
    version: str | None  # the model that is active, or was before it was deactivated
    is_active: bool
    fate: Fate
    n_known: int  # movies that the model knows
    n_gone: int  # of these, those that are gone or others

    @classmethod
    def of(
        cls,
        connection: Connection,
        before: ImportedDataset | None,
        release: Release,
        store: ModelStore | None,
    ) -> Replacement:
        """Find out what replacing the data of the database by this release does."""
        n_imported, n_given = repository.count_by_origin(connection)
        active = active_version(connection)
        version = active.version or active.previous
        fate, n_known, n_gone = _fate(connection, release, store, version)
        return cls(
            before=before,
            after=release.name,
            n_removed=n_imported,
            n_kept=n_given,
            version=version,
            is_active=active.version is not None,
            fate=fate,
            n_known=n_known,
            n_gone=n_gone,
        )

    def apply(self, connection: Connection) -> None:
        """Stop serving a model whose movies are gone."""
        if self.fate is Fate.ENDS or (self.fate is Fate.WAITS and self.is_active):
            models.deactivate(connection, forget=self.fate is Fate.ENDS)

    def lines(self) -> list[str]:
        """Say it, a sentence on each line."""
        if self.before is None:
            return ["There is nothing to replace."]
        since = f"{self.before.name}, imported on {self.before.imported_at:%Y-%m-%d}"
        data = (
            f"{self.after} takes the place of {since}, and of all files imported since: "
            f"{self.n_removed:,} ratings are removed, {self.n_kept:,} given through the service "
            "stay."
        )
        return [data, *self._about_model()]

    def _about_model(self) -> list[str]:
        if self.version is None:
            return ["No model is active: lists stay popular until `recommender train`."]
        model = f"Model {self.version}"
        if self.fate is Fate.STAYS:
            stays = "stays active" if self.is_active else "may be served again"
            there = f"{self.n_known - self.n_gone:,} of its {self.n_known:,} movies are there"
            return [f"{model} {stays}: {there}."]
        goes = "is deactivated" if self.is_active else "stays inactive"
        gone = f"{self.n_gone:,} of its {self.n_known:,} movies are gone or others"
        waits = "`models rollback` serves it again only once its movies are back."
        return [
            f"{model} {goes}: {gone}.",
            "All lists are popular until `recommender train` has made a model of the new data.",
            waits if self.fate is Fate.WAITS else "`models rollback` will find no model.",
        ]


def _fate(
    connection: Connection, release: Release, store: ModelStore | None, version: str | None
) -> tuple[Fate, int, int]:
    if version is None:
        return Fate.NONE, 0, 0
    known = fit.movies_of(connection, store, version) if store else None
    if known is None:
        return Fate.WAITS, 0, 0
    given = movies.named(frames.movie_rows(release.movies))
    stored = movies.read(connection)
    staying = {id_: stored[id_] for id_ in repository.kept_movies(connection) if id_ in stored}
    after = {**staying, **given}
    there = np.fromiter(after, dtype=np.int64, count=len(after))
    card = models.get(connection, version).card
    is_its_data = _is_data_of(card, release)
    same = np.array([is_its_data or _is_same(id_, stored, after) for id_ in after], dtype=np.bool_)
    if fit.fits(known, there[same]):
        return Fate.STAYS, len(known), fit.n_missing(known, there[same])
    fate = Fate.ENDS if fit.fits(known, there) else Fate.WAITS
    return fate, len(known), fit.n_missing(known, there[same])


def _is_data_of(card: Mapping[str, Any], release: Release) -> bool:
    return bool(card.get("dataset") == {"name": release.name, "sha256": release.sha256})


def _is_same(
    movie_id: int, before: Mapping[int, movies.Row], after: Mapping[int, movies.Row]
) -> bool:
    return movie_id in before and not movies.is_other(before[movie_id], after[movie_id])

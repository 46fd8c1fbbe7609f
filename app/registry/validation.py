"""Checks that an imported model can be served, described and trained further."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.core.archive import ArchiveError
from app.http.identifiers import MAX_MOVIE_ID
from app.registry import repository, service
from app.registry.archive import Received
from app.registry.schemas import ModelSummary
from model import artifact
from model.rbm import RBM
from model.sanity import MAX_PARAMETER, insane_parameters

Count = Annotated[int, Field(ge=0, strict=True)]
Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Weight = Annotated[Finite, Field(ge=-MAX_PARAMETER, le=MAX_PARAMETER)]


class _Part(BaseModel):
    """Part of a card; other fields do not matter."""

    model_config = ConfigDict(extra="ignore")


class _Calibration(_Part):
    hidden: Weight
    film: Weight
    person: Weight
    shift: Weight
    length: Weight = 0.0
    like_slope: Annotated[Weight, Field(gt=0)] = 1.0
    like_shift: Weight = 0.0


class _Prior(_Part):
    length: Annotated[Finite, Field(gt=0)]


class _Couplings(_Part):
    strength: Finite
    l2: Finite


class _Machine(_Part):
    mean_ratings: Annotated[Finite, Field(gt=0, le=MAX_MOVIE_ID)]
    classic: Annotated[bool, Field(strict=True)]
    calibration: _Calibration
    prior: _Prior | None = None
    couplings: _Couplings | None = None


class _Dataset(_Part):
    name: str


class _Data(_Part):
    ratings_revision: Count
    n_users: Count
    n_ratings: Count
    like_threshold: Finite


class _Holdout(_Part):
    salt: str


class _Configuration(_Part):
    """The settings that a warm start keeps."""

    n_hidden: Annotated[int, Field(ge=1, strict=True)]
    classic: Annotated[bool, Field(strict=True)]
    l2: Annotated[Finite, Field(ge=0)]


class _Card(_Part):
    """What serving, the pages and the next training read of a card."""

    created_at: AwareDatetime
    machine: _Machine
    dataset: _Dataset
    data: _Data
    holdout: _Holdout
    configuration: _Configuration


def validate(folder: Path, received: Received) -> str:
    """Return the state of an imported model; raises `ArchiveError` if it cannot be used.

    The checksums prove only that it is complete.
    """
    version, sha256, card = received
    try:
        rbm = artifact.load(folder, sha256=sha256).rbm
        _Card.model_validate(card)
        state = _state(card)
        ModelSummary(
            version=version, active=False, previous=False, state=state,
            created_at=datetime.now(UTC), **service.describe(card, salt=""),
        )  # fmt: skip
    except Exception as error:  # any field of a card may be missing, or of any type
        reason = str(error).replace(f"{folder}/", "")
        raise ArchiveError(f"it does not hold a whole model: {reason}") from error
    _refuse_insane(rbm)
    return state


def _state(card: Mapping[str, Any]) -> str:
    """Return the state: a model that was refused elsewhere stays refused."""
    gate = card.get("gate", {"passed": True})
    passed = gate["passed"] or gate.get("published_anyway", False)
    return repository.PUBLISHED if passed else repository.REFUSED


def _refuse_insane(rbm: RBM) -> None:
    problems = insane_parameters(rbm)
    if problems:
        raise ArchiveError(f"its parameter {problems[0]}")
    ids = rbm.movie_ids
    in_range = ids.min(initial=1) >= 1 and ids.max(initial=1) <= MAX_MOVIE_ID
    if not in_range or len(np.unique(ids)) != rbm.n_movies:
        raise ArchiveError("movie_ids holds values that are no movie ids")

"""Checks that an imported model can be served, described and trained further."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from app.core.archive import ArchiveError
from app.registry import repository, service
from app.registry.archive import Received
from app.registry.schemas import ModelSummary
from data.movie_keys import MAX_ID_BITS
from data.rules import MAX_MOVIE_ID
from model import artifact
from model.card import Finite, first_problem
from model.rbm import RBM

Count = Annotated[int, Field(ge=0, lt=2**63, strict=True)]


class _Part(BaseModel):
    """Part of a card; other fields do not matter."""

    model_config = ConfigDict(extra="ignore")


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
    dataset: _Dataset
    data: _Data
    holdout: _Holdout
    configuration: _Configuration


def validate(folder: Path, received: Received) -> str:
    """Return the state of an imported model; raises `ArchiveError` if it cannot be used.

    The checksums prove only that it is complete; `load_whole` proves that it can be served.
    """
    _, sha256, card = received
    try:
        rbm = artifact.load_whole(folder, sha256=sha256).rbm
        _Card.model_validate(card)
        state = _state(card)
        _summarise(card)
    except ValidationError as error:
        raise ArchiveError(f"it does not hold a whole model: {first_problem(error)}") from error
    except Exception as error:  # any field of a card may be missing, or of any type
        reason = str(error).replace(f"{folder}/", "")
        raise ArchiveError(f"it does not hold a whole model: {reason}") from error
    _refuse_other_ids(rbm)
    return state


def is_listed(card: Mapping[str, Any]) -> bool:
    """Tell whether a list of models can show one of this card."""
    try:
        _summarise(card)
    except Exception:  # any field of a card may be missing, or of any type
        return False
    return True


def _summarise(card: Mapping[str, Any]) -> None:
    ModelSummary(
        version="", active=False, previous=False, state="", created_at=datetime.now(UTC),
        **service.describe(card, salt=""),
    )  # fmt: skip


def _state(card: Mapping[str, Any]) -> str:
    """Return the state: a model that was refused elsewhere stays refused."""
    gate = card.get("gate", {"passed": True})
    passed = gate["passed"] or gate.get("published_anyway", False)
    return repository.PUBLISHED if passed else repository.REFUSED


def _refuse_other_ids(rbm: RBM) -> None:
    ids = rbm.movie_ids
    known = ids.min(initial=1) >= -(2**MAX_ID_BITS) and ids.max(initial=1) <= MAX_MOVIE_ID
    if not known or 0 in ids or len(np.unique(ids)) != rbm.n_movies:
        raise ArchiveError("movie_ids holds values that are no movie ids")

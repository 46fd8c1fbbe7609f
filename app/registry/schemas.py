"""What is told of models, and what may be asked of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from app.http.api import RequestModel

# The form of a version: nothing else ever names a folder.
VERSION = r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}$"

ModelVersionId = Annotated[
    str,
    Path(
        pattern=VERSION,
        description="Version of a model",
        examples=["20261120T101500Z-3f2a"],
    ),
]


class ModelSummary(BaseModel):
    """A model at a glance."""

    version: str
    active: bool = Field(description="It is the one that is served")
    previous: bool = Field(description="It is the one that a rollback would serve")
    state: str = Field(description="`published`, or `refused` by the gate")
    refused_because: list[str] = Field(description="What the gate had against it")
    created_at: datetime = Field(description="When it was published, refused or imported here")
    dataset: str | None = Field(description="What it was trained on")
    trained_here: bool = Field(
        description="It comes from this database, so that nobody of the gate users here has "
        "trained it; a model from elsewhere may have seen any of them"
    )
    ndcg_at_100: float | None = Field(description="On users that no training saw")
    popularity_ndcg_at_100: float | None = Field(description="The same of popularity")


class Models(BaseModel):
    """All models, the newest first."""

    items: list[ModelSummary]


class Model(ModelSummary):
    """A model with all that is known of it."""

    card: dict[str, Any] = Field(
        description="Configuration, data, figures, calibration, curve, checksums; also who has "
        "rolled it back (`rolled_back`) or activated it although refused (`activated_anyway`)"
    )


class ActiveModel(BaseModel):
    """Which model is served."""

    version: str | None = Field(description="Null: none, movies come by popularity")
    previous: str | None = Field(description="What a rollback would serve")


class ActivatedModel(RequestModel):
    """Which model is to be served."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": "20261120T101500Z-3f2a"}]}
    )

    version: Annotated[str, Field(pattern=VERSION)]
    anyway: Annotated[bool, Field(description="Also if the gate has refused it")] = False


class Retention(RequestModel):
    """How many models are to stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep": 5}]})

    keep: Annotated[int, Field(ge=1, le=10_000, description="So many of the newest published")]


class RemovedModels(BaseModel):
    """What was removed."""

    removed: list[str] = Field(description="Versions")


class ImportQuery(RequestModel):
    """What is to become of a model that is sent."""

    activate: Annotated[bool, Field(description="Serve it at once")] = False


class Outcome(StrEnum):
    """What an import came to."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    REPAIRED = "repaired"


class ImportedModel(BaseModel):
    """A model that came from elsewhere."""

    version: str
    outcome: Outcome = Field(
        description="`unchanged` when it was here already, `repaired` when its files were damaged "
        "or away"
    )
    active: bool

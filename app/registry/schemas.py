"""Request and response models about published models."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.convertors import StringConvertor, register_url_convertor
from typing_extensions import TypeAliasType

from app.http.api import RequestModel

# Only a version of this form is the name of a folder.
VERSION = r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4,16}$"

ModelVersionId = Annotated[
    str,
    Path(
        pattern=VERSION,
        description="Version of a model",
        examples=["20261120T101500Z-3f2a"],
    ),
]


class _VersionConvertor(StringConvertor):
    """`{version:version}`: a segment of a path, except the names of other routes."""

    regex = "(?!(?:active|rollback|prune|import)$)[^/]+"


register_url_convertor("version", _VersionConvertor())


class ModelSummary(BaseModel):
    """A model and its main figures."""

    version: str
    active: bool = Field(description="It is the one that is served")
    previous: bool = Field(description="It is the one that a rollback would serve")
    state: str = Field(description="`published`, or `refused` by the gate")
    refused_because: list[str] = Field(description="Why the gate refused it")
    created_at: datetime = Field(description="When it was published, refused or imported here")
    dataset: str | None = Field(description="What it was trained on")
    trained_here: bool = Field(
        description="It was trained on this database, and so on none of its gate users; a model "
        "from elsewhere may have been trained on any of them"
    )
    ndcg_at_100: float | None = Field(description="On users that were not trained on")
    popularity_ndcg_at_100: float | None = Field(description="The same, of popularity")


class Models(BaseModel):
    """All models, the newest first."""

    items: list[ModelSummary]


Card = TypeAliasType("Card", dict[str, Any])  # an alias, and so a schema with a name


class Model(ModelSummary):
    """A model with its card."""

    card: Card = Field(
        description="Configuration, data, figures, calibration, curve, checksums; also who has "
        "rolled it back (`rolled_back`) or activated it although refused (`activated_anyway`)"
    )


class ActiveModel(BaseModel):
    """Which model is served."""

    version: str | None = Field(description="Null: none, movies come by popularity")
    previous: str | None = Field(description="What a rollback would serve")


class ActivatedModel(RequestModel):
    """The model to serve."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": "20261120T101500Z-3f2a"}]}
    )

    version: Annotated[str, Field(pattern=VERSION)]
    anyway: Annotated[bool, Field(description="Also if the gate has refused it")] = False


class Retention(RequestModel):
    """How many models to keep."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep": 5}]})

    keep: Annotated[
        int, Field(ge=1, le=10_000, description="Number of the newest published models that stay")
    ]


class RemovedModels(BaseModel):
    """The removed models."""

    removed: list[str] = Field(description="Versions")


class ImportQuery(RequestModel):
    """Query of an import."""

    activate: Annotated[bool, Field(description="Serve it at once")] = False


class Outcome(StrEnum):
    """Result of an import."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    REPAIRED = "repaired"


class ImportedModel(BaseModel):
    """A model from another installation."""

    version: str
    outcome: Outcome = Field(
        description="`unchanged` if it existed already, `repaired` if its files were damaged or "
        "missing"
    )
    active: bool

"""What is told of a published model."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import BaseModel, Field

ModelVersionId = Annotated[
    str,
    Path(
        # The form of a version: nothing else ever names a folder.
        pattern=r"^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}$",
        description="Version of a published model",
        examples=["20261120T101500Z-3f2a"],
    ),
]


class ModelSummary(BaseModel):
    """A published model at a glance."""

    version: str
    active: bool = Field(description="It is the one that is served")
    state: str
    created_at: datetime
    dataset: str | None = Field(description="What it was trained on")
    ndcg_at_100: float | None = Field(description="On users that no training saw")
    popularity_ndcg_at_100: float | None = Field(description="The same of popularity")


class Models(BaseModel):
    """All published models, the newest first."""

    items: list[ModelSummary]


class Model(ModelSummary):
    """A published model with all that is known of it."""

    card: dict[str, Any] = Field(
        description="Configuration, data, figures, calibration, curve, checksums"
    )

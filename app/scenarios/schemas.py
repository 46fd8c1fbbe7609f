"""Request and response models about scenarios."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from app.http.api import OMITTABLE, RequestModel
from app.live.rules import RuleName, ScenarioDefinition

ScenarioName = Annotated[RuleName, Path(description="Name of a scenario")]
EXAMPLE: JsonDict = {
    "name": "home",
    "version": 3,
    "definition": {
        "filters": {"exclude_genre": ["Horror"], "min_ratings": 5},
        "boosts": [{"by": "recency", "weight": 0.7, "half_life_years": 5.0}],
        "pins": [{"movie_id": 2959, "position": 1}],
        "sources": ["rbm", "similar", "trending", "popular"],
        "not_again_days": 7,
    },
    "changed_at": "2026-11-20T10:15:00Z",
    "changed_by": "key rk_4f2a",
}


class ScenarioVersion(BaseModel):
    """A scenario as it was changed once."""

    name: str
    version: int = Field(description="1 for the first, one more with each change")
    definition: ScenarioDefinition | None = Field(description="Null where it was deleted")
    changed_at: datetime
    changed_by: str


class ScenarioDetail(ScenarioVersion):
    """A scenario in use, and who changed it last."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    definition: ScenarioDefinition


class Scenarios(BaseModel):
    """All scenarios in use, by name."""

    items: list[ScenarioDetail]


class ScenarioVersions(BaseModel):
    """All versions of a scenario, the latest first."""

    items: list[ScenarioVersion]


class ScenarioPutQuery(RequestModel):
    """What the sender knows."""

    expected_version: Annotated[
        int | None,
        OMITTABLE,
        Field(
            ge=0,
            le=2**31 - 1,
            description="Change nothing unless this is the version in use; 0 for none",
        ),
    ] = None

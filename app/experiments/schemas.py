"""Request and response models about experiments."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from app.http.api import RequestModel
from app.live.rules import ExperimentDefinition, RuleName

ExperimentName = Annotated[RuleName, Path(description="Name of an experiment")]


class ExperimentDetail(BaseModel):
    """An experiment: what it compares, and since when."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    state: str = Field(description="`running`, or `stopped` for good")
    definition: ExperimentDefinition
    begun_at: datetime
    ended_at: datetime | None
    winner: str | None = Field(description="The arm that was promoted at the end")


class Experiments(BaseModel):
    """All experiments, the latest first."""

    items: list[ExperimentDetail]


class Promotion(RequestModel):
    """Which arm has won."""

    arm: RuleName


class Verdict(StrEnum):
    """What is known of an arm beside the control."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"


class Bounds(BaseModel):
    """An interval that may be looked at at any time, and as often as one likes."""

    low: float
    high: float


class ArmLook(BaseModel):
    """An arm at one moment; only users whose time is over count, successful or not."""

    name: str
    users: int = Field(description="First shown a list of this arm at least `days` days before")
    successes: int = Field(description="Of these users")
    rate: float | None = Field(description="Share of successes, null without users")
    rate_interval: Bounds | None = Field(description="Null while there are too few users")
    difference: float | None = Field(description="Rate less that of the control; null for that")
    interval: Bounds | None = Field(
        description="Of the difference; null for the control, and while there are too few users"
    )


class ArmFigures(ArmLook):
    """An arm now."""

    share: float = Field(description="Of all users")
    waiting: int = Field(description="Users whose time is not over yet; they do not count")
    verdict: Verdict | None = Field(
        description="`better` or `worse` from the day on which 0 is outside the interval for the "
        "first time, whatever comes later; null for the control"
    )
    decided_at: datetime | None = Field(description="That day; null before")


class Look(BaseModel):
    """All arms at one moment."""

    at: datetime
    arms: list[ArmLook]


class ExperimentReport(BaseModel):
    """How the arms of an experiment do; shadows are not among them, they are shown to nobody."""

    experiment: ExperimentDetail
    at: datetime
    arms: list[ArmFigures] = Field(description="The first one is the control")
    looks: list[Look] = Field(
        description="As it would have been reported each day since the first users' time was over"
    )
    mismatch: bool = Field(
        description="The arms have other numbers of users than their shares say, more than chance "
        "explains: lists or feedback of an arm get lost, and the comparison cannot be trusted"
    )


class Shadow(BaseModel):
    """How the lists of a shadow compare with those that are shown."""

    name: str
    overlap: float | None = Field(
        description="Mean share of the first 20 movies of a user's list that are among the first "
        "20 of the shadow's; null without users"
    )
    clicks: int = Field(description="Clicked movies that these users may still be shown")
    control_found: float | None = Field(
        description="Share of them among the first 20 of the control's list; null without clicks"
    )
    shadow_found: float | None = Field(description="The same for the shadow's list")


class Shadows(BaseModel):
    """All shadows of an experiment, by the users who were shown a list of it last."""

    users: int = Field(description="Users who were looked at, 100 at most")
    items: list[Shadow] = Field(description="Those whose model can be loaded")

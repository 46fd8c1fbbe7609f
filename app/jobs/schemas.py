"""Options of a training, and what is shown of a run."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from fastapi import Path
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from typing_extensions import TypeAliasType

from app.http.api import RequestModel
from model.config import Config

TrainingRunId = Annotated[
    int, Path(ge=1, le=2**63 - 1, description="Number of a training run", examples=[12])
]


HYPER_PARAMETERS = {
    "type": "object",
    "properties": Config.model_json_schema()["properties"],
    "additionalProperties": False,
    "description": "Those that differ from what suits the size of the data, by name",
}


class RunState(StrEnum):
    """How far a run is, or how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    PUBLISHED = "published"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_final(self) -> bool:
        """True when nothing will happen any more."""
        return self not in {RunState.QUEUED, RunState.RUNNING}


class Failure(StrEnum):
    """The class of the reason why a run failed."""

    DATABASE = "database"  # away or locked
    DISK = "disk"
    MEMORY = "memory"
    KILLED = "killed"
    LOST = "lost"  # its process gave no sign of life, or ended without one
    CHANGED = "changed"  # users were erased, or the data set replaced, each time it began
    INPUT = "input"  # nothing to train on, or options that do not fit
    ERROR = "error"

    @property
    def is_transient(self) -> bool:
        """True when the same training may succeed later, without anybody changing a setting."""
        return self not in {Failure.INPUT, Failure.ERROR}


class TrainingOptions(RequestModel):
    """What a training is asked to do."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [{"from_scratch": True}],
            "not": {  # see _one_start
                "required": ["from_scratch", "start"],
                "properties": {"from_scratch": {"const": True}, "start": {"type": "string"}},
            },
        },
    )

    from_scratch: Annotated[
        bool, Field(description="Begin with small random weights, not with the active model")
    ] = False
    start: Annotated[
        str | None,
        Field(
            pattern="^[0-9A-Za-z-]{1,40}$",
            description="Version of the model to begin with in place of the active one",
        ),
    ] = None
    publish_anyway: Annotated[
        bool, Field(description="Publish what the gate refuses, and record that it would have")
    ] = False
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="Seed of everything random")] = 0
    hyper_parameters: Annotated[
        dict[str, int | float | bool | None],
        WithJsonSchema(HYPER_PARAMETERS),
    ] = {}

    @field_validator("hyper_parameters", mode="before")
    @classmethod
    def _known_and_in_range(cls, value: Any) -> Any:
        if isinstance(value, dict):
            try:
                Config.model_validate(value)
            except ValidationError as error:
                raise ValueError(first_problem(error)) from None
        return value

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if self.from_scratch and self.start is not None:
            raise ValueError("a training from scratch begins with no model: leave out `start`")
        return self


# Aliases, and so schemas with names.
Progress = TypeAliasType("Progress", dict[str, Any])
Figures = TypeAliasType("Figures", dict[str, Any])


class TrainingRun(BaseModel):
    """A training: what was asked for, how far it is, what it came to."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    state: RunState
    requested_by: str = Field(description="Who asked: a key by its prefix, or a command line")
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    holder: str | None = Field(description="Host and process that train")
    heartbeat_at: datetime | None = Field(description="When that process last gave a sign of life")
    options: TrainingOptions
    progress: Progress = Field(
        description="`stage`, and in training `epoch`, `n_epochs` and the figures of that epoch"
    )
    version: str | None = Field(description="The model that was made, published or refused")
    figures: Figures | None = Field(
        description="How the candidate did on the gate users beside popularity and the model that "
        "was active, and what the gate says to that"
    )
    error: str | None = Field(description="Why the run failed or stopped, and what to do")
    failure: Failure | None = Field(
        default=None,
        description="Why it failed, in one word; after `input` and `error` the same training would "
        "fail again",
    )
    retry_at: datetime | None = Field(
        default=None, description="When the process that trains at an interval tries again"
    )


class TrainingRunsQuery(RequestModel):
    """Which of the training runs."""

    limit: Annotated[int, Field(ge=1, le=100, description="How many runs")] = 20


class TrainingRuns(BaseModel):
    """Training runs, the latest first."""

    items: list[TrainingRun]


def first_problem(error: ValidationError) -> str:
    """Name the first wrong hyper-parameter and what is wrong with it."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    return f"hyper-parameter {name}: {first['msg']}"

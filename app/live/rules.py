"""Scenarios and experiments: the rules by which lists are made, as a worker holds them."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, StringConstraints, model_validator
from sqlalchemy import Connection, func, select, update

from app.db.model_versions import holdout_salt
from app.db.tables import experiments, installation, scenario_versions
from app.http.api import OMITTABLE, WHOLE, RequestModel
from app.http.identifiers import SentMovieKey
from app.live.filters import Filters, Genre, WrittenAttribute, is_none

MAX_BOOSTS, MAX_PINS, MAX_ARMS = 20, 50, 10
MAX_NUMBER = 200  # movies of a list that ends
RUNNING, STOPPED = "running", "stopped"


RuleName = Annotated[
    str,
    StringConstraints(max_length=64, pattern=r"^[a-z0-9][a-z0-9_-]*$"),
    Field(description="Small letters, digits, `-` and `_`"),
]
Weight = Annotated[
    float, Field(ge=-10, le=10, allow_inf_nan=False, description="Added to the log-odds of a like")
]


class _Rule(RequestModel):
    """Part of a body: a number is no text."""

    model_config = ConfigDict(strict=True)


class _Boost(_Rule):
    weight: Weight


class PopularityBoost(_Boost):
    """weight · ln(1 + likes) / ln(1 + likes of the most liked movie)."""

    by: Literal["popularity"]


class RecencyBoost(_Boost):
    """weight · 2^(-age / half-life), age in years behind the latest year; 0 for an unknown year."""

    by: Literal["recency"]
    half_life_years: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] = 5.0


class GenreBoost(_Boost):
    """weight for movies of this genre."""

    by: Literal["genre"]
    genre: Genre


class AttributeBoost(_Boost):
    """weight for movies with this text, tag or number in this range."""

    by: Literal["attribute"]
    attribute: Annotated[
        WrittenAttribute, Field(description="As in filters: `studio:Ghibli`, `price:10..20`")
    ]


Boost = Annotated[
    PopularityBoost | RecencyBoost | GenreBoost | AttributeBoost, Field(discriminator="by")
]
Boosts = Annotated[list[Boost], Field(max_length=MAX_BOOSTS)]


class Pin(_Rule):
    """A movie with a fixed place, for every user who may be shown it."""

    movie_id: SentMovieKey
    position: Annotated[int, Field(ge=1, le=MAX_NUMBER, description="1 is the first"), WHOLE]


class ScenarioFilters(_Rule, Filters):
    """Which movies may be in the lists; `exclude` bans movies."""

    location: ClassVar[str] = "body"


class ScenarioDefinition(_Rule):
    """What a place on a site wants of its lists."""

    filters: ScenarioFilters = ScenarioFilters()
    boosts: Boosts = []
    pins: Annotated[list[Pin], Field(max_length=MAX_PINS)] = []
    diversity: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    number: Annotated[
        int | None,
        OMITTABLE,
        Field(
            ge=1,
            le=MAX_NUMBER,
            exclude_if=is_none,
            description="Movies of a whole list; without it, all",
        ),
        WHOLE,
    ] = None
    max_per_genre: Annotated[
        int | None,
        OMITTABLE,
        Field(
            ge=1,
            le=MAX_NUMBER,
            exclude_if=is_none,
            description="Movies of one genre in a list, which needs `number`",
        ),
        WHOLE,
    ] = None
    sources: Annotated[
        list[Literal["rbm", "similar", "trending", "popular"]],
        Field(
            min_length=1,
            max_length=4,
            description="Where movies come from: the first source that has some for the user, and "
            "behind them those of the next ones. `similar`: to the movie that was liked last",
        ),
    ] = ["rbm", "popular"]
    exploration: Annotated[
        float,
        Field(ge=0, le=0.5, allow_inf_nan=False, description="Share of places for new movies"),
    ] = 0.0
    not_again_days: Annotated[
        int,
        Field(
            ge=0,
            le=365,
            description="A movie that was shown in this scenario, by `POST /feedback`, is not "
            "listed again for so many days; 0 for no limit",
        ),
        WHOLE,
    ] = 0

    @model_validator(mode="after")
    def _consistent(self) -> ScenarioDefinition:
        if self.max_per_genre is not None and self.number is None:
            raise ValueError("max_per_genre needs number, the length of the list")
        if any(pin.position > (self.number or MAX_NUMBER) for pin in self.pins):
            raise ValueError("a pin is behind the end of the list, which has `number` movies")
        places = [pin.position for pin in self.pins]
        pinned = [pin.movie_id for pin in self.pins]
        for name, values in (("position", places), ("movie_id", pinned), ("", self.sources)):
            if len(set(values)) < len(values):
                raise ValueError(f"two pins have one {name}" if name else "a source is named twice")
        return self


class Arm(_Rule):
    """One of the things that an experiment compares; what is left out is as without it."""

    name: RuleName
    share: Annotated[
        float, Field(ge=0, le=1, allow_inf_nan=False, description="Of all users; 0 for a shadow")
    ]
    model: Annotated[
        str | None,
        OMITTABLE,
        Field(max_length=40, exclude_if=is_none, description="Version that answers"),
    ] = None
    scenario: Annotated[
        RuleName | None,
        OMITTABLE,
        Field(exclude_if=is_none, description="Answers in place of the experiment's"),
    ] = None
    boosts: Annotated[Boosts, Field(description="Added to those of the scenario")] = []
    shadow: Annotated[
        bool, Field(description="Answers nobody; its lists are compared with those shown")
    ] = False


class ExperimentDefinition(_Rule):
    """What is compared, for whom, and by what."""

    scenario: Annotated[
        RuleName | None,
        OMITTABLE,
        Field(
            exclude_if=is_none,
            description="Requests of this scenario take part; without it, those of none",
        ),
    ] = None
    arms: Annotated[
        list[Arm],
        Field(min_length=2, max_length=MAX_ARMS, description="The first one is the control"),
    ]
    metric: Annotated[
        Literal["clicked", "watched"],
        Field(description="A user is a success who did this with a movie of a list"),
    ] = "clicked"
    days: Annotated[
        int, Field(ge=1, le=90, description="Within so many days of the first list"), WHOLE
    ] = 7
    alpha: Annotated[
        float,
        Field(ge=0.001, le=0.2, description="Probability of a false alarm, over all looks at it"),
    ] = 0.05

    @model_validator(mode="after")
    def _consistent(self) -> ExperimentDefinition:
        if len({arm.name for arm in self.arms}) < len(self.arms):
            raise ValueError("two arms have one name")
        if self.arms[0].shadow:
            raise ValueError("the first arm is the control, and no shadow")
        for arm in self.arms:
            if arm.shadow != (arm.share == 0):
                raise ValueError(f"arm {arm.name}: a shadow has the share 0, another arm more")
        if sum(arm.share for arm in self.arms) > 1 + 1e-9:
            raise ValueError("the shares add up to more than 1")
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """A scenario in use."""

    name: str
    version: int
    definition: ScenarioDefinition


@dataclass(frozen=True, slots=True, eq=False)
class Experiment:
    """An experiment in progress."""

    name: str
    salt: str
    definition: ExperimentDefinition

    def arm_of(self, user: str) -> Arm | None:
        """Return the arm of a user, None for one who takes no part.

        HMAC-SHA256 of the key with the salt, as a share of 2^64; the arms take their shares of it
        in turn. The same in every worker, and no other experiment's.
        """
        digest = hmac.digest(self.salt.encode(), user.encode(), "sha256")
        place, behind = int.from_bytes(digest[:8], "big") / 2**64, 0.0
        for arm in self.definition.arms:
            behind += arm.share
            if place < behind:
                return arm
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """All rules at one moment."""

    scenarios: Mapping[str, Scenario] = field(default_factory=lambda: MappingProxyType({}))
    # Those in progress, by the scenario whose requests take part; None for requests without one.
    experiments: Mapping[str | None, Experiment] = field(
        default_factory=lambda: MappingProxyType({})
    )
    secret: bytes = b""  # with which recommendation ids are signed

    @property
    def models(self) -> frozenset[str]:
        """Versions that arms of experiments need."""
        arms = (arm for each in self.experiments.values() for arm in each.definition.arms)
        return frozenset(arm.model for arm in arms if arm.model is not None)


NO_RULES = Rules()


def read_rules(connection: Connection) -> Rules:
    """Read the scenarios that are not deleted and the experiments in progress."""
    latest = (
        select(scenario_versions.c.name, func.max(scenario_versions.c.version).label("version"))
        .group_by(scenario_versions.c.name)
        .subquery()
    )
    columns = (
        scenario_versions.c.name, scenario_versions.c.version, scenario_versions.c.definition,
    )  # fmt: skip
    query = select(*columns).join(
        latest,
        (latest.c.name == scenario_versions.c.name)
        & (latest.c.version == scenario_versions.c.version),
    )
    scenarios = {
        name: Scenario(name, version, ScenarioDefinition.model_validate(definition))
        for name, version, definition in connection.execute(query)
        if definition is not None
    }
    running = select(experiments.c.name, experiments.c.salt, experiments.c.definition).where(
        experiments.c.state == RUNNING
    )
    found: list[Any] = list(connection.execute(running))
    begun = [Experiment(n, salt, ExperimentDefinition.model_validate(d)) for n, salt, d in found]
    key = hmac.digest(holdout_salt(connection).encode(), b"recommendation ids", "sha256")
    return Rules(scenarios, {each.definition.scenario: each for each in begun}, key)


def next_rules_revision(connection: Connection) -> int:
    """Take the next number of a change of rules; writers of rules wait for each other here."""
    return connection.execute(
        update(installation)
        .values(rules_revision=installation.c.rules_revision + 1)
        .returning(installation.c.rules_revision)
    ).scalar_one()

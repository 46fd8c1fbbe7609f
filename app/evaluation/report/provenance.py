"""The small print: where the data came from, how it was judged, and how to get the same again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.report.values import clean, count, number, percent

__all__ = ["Dataset", "Facts", "dataset", "origin", "pairs", "steps"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """What the model was made from."""

    name: str
    sha256: str | None
    n_users: float | None
    n_movies: float | None
    n_ratings: float | None
    is_sample: bool

    @property
    def density(self) -> float | None:
        """Share of the matrix that is rated."""
        cells = (self.n_users or 0) * (self.n_movies or 0)
        return self.n_ratings / cells if cells and self.n_ratings is not None else None

    @property
    def facts(self) -> list[tuple[str, Any]]:
        """The same as keys and values to read."""
        return [
            ("name", self.name),
            ("people", count(self.n_users)),
            ("films", count(self.n_movies)),
            ("ratings", count(self.n_ratings)),
            ("share of all pairs rated", percent(self.density, 1)),
            ("SHA-256", None if self.sha256 is None else f"{self.sha256[:12]}…"),
        ]


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of keys and values under a heading."""

    heading: str
    pairs: list[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Steps:
    """What somebody else needs, and the commands where they were given."""

    dataset: Dataset | None
    has_settings: bool
    has_versions: bool
    commands: list[str]


def dataset(values: object) -> Dataset | None:
    """Read the ``dataset`` of a report."""
    if not isinstance(values, Mapping) or not values:
        return None
    sha256 = values.get("sha256")
    n_users, n_movies, n_ratings = (
        number(values.get(key)) for key in ("n_users", "n_movies", "n_ratings")
    )
    return Dataset(
        clean(values.get("name")),
        None if sha256 is None else clean(sha256),
        n_users, n_movies, n_ratings,
        values.get("is_sample") is True,
    )  # fmt: skip


def origin(report: Mapping[str, Any]) -> list[Facts]:
    """List data set, protocol and holdout rule, those that are there."""
    data = dataset(report.get("dataset"))
    lists = [] if data is None else [Facts("Data set", data.facts)]
    for name, heading in (("protocol", "Protocol"), ("holdout", "Held-out people")):
        named = [(key.replace("_", " "), value) for key, value in pairs(report.get(name))]
        lists.append(Facts(heading, named))
    return [facts for facts in lists if facts.pairs]


def steps(report: Mapping[str, Any]) -> Steps | None:
    """Say what to do to get the same figures; nothing without data or commands to name."""
    commands = report.get("repeat")
    if isinstance(commands, str):
        commands = [commands]
    known = isinstance(commands, Sequence)
    lines = [clean(command) for command in commands] if known and commands else []
    data = dataset(report.get("dataset"))
    if data is None and not lines:
        return None
    return Steps(data, bool(report.get("settings")), bool(report.get("versions")), lines)


def pairs(values: object, prefix: str = "") -> list[tuple[str, Any]]:
    """Key and value of a mapping, nested ones flattened: ``{"a": {"b": 1}}`` -> ``a.b``, 1."""
    if not isinstance(values, Mapping):
        return []
    flat: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{prefix}{clean(key)}"
        flat += pairs(value, f"{name}.") if isinstance(value, Mapping) else [(name, value)]
    return flat

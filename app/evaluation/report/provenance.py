"""Where the data came from, how the model was judged, and how to get the same again."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.evaluation.report.formatting import clean, count, number, percent

Pairs = list[tuple[str, Any]]


def dataset(values: object) -> dict[str, Any] | None:
    """Read the ``dataset`` of a report."""
    if not isinstance(values, Mapping) or not values:
        return None
    sizes = {key: number(values.get(key)) for key in ("n_users", "n_movies", "n_ratings")}
    return {
        "name": clean(values.get("name")),
        "sha256": values.get("sha256"),
        "is_sample": values.get("is_sample") is True,
        **sizes,
    }


def origin(report: Mapping[str, Any]) -> list[tuple[str, Pairs]]:
    """List data set, protocol and holdout rule, those that are there, with their headings."""
    lists = [("Data set", _dataset_pairs(report))]
    for name, heading in (("protocol", "Protocol"), ("holdout", "Held-out users")):
        named = [(key.replace("_", " "), value) for key, value in pairs(report.get(name))]
        lists.append((heading, named))
    return [(heading, facts) for heading, facts in lists if facts]


def steps(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Say what to do to get the same figures; nothing without data or commands to name."""
    commands = report.get("repeat")
    if isinstance(commands, str):
        commands = [commands]
    lines = commands if isinstance(commands, Sequence) else []
    data = dataset(report.get("dataset"))
    if data is None and not lines:
        return None
    return {"dataset": data, "commands": [clean(line) for line in lines]}


def pairs(values: object, prefix: str = "") -> Pairs:
    """Key and value of a mapping, nested ones flattened: ``{"a": {"b": 1}}`` -> ``a.b``, 1."""
    if not isinstance(values, Mapping):
        return []
    flat: Pairs = []
    for key, value in values.items():
        name = f"{prefix}{clean(key)}"
        flat += pairs(value, f"{name}.") if isinstance(value, Mapping) else [(name, value)]
    return flat


def _dataset_pairs(report: Mapping[str, Any]) -> Pairs:
    data = dataset(report.get("dataset"))
    if data is None:
        return []
    n_users, n_movies, n_ratings = data["n_users"], data["n_movies"], data["n_ratings"]
    cells = (n_users or 0) * (n_movies or 0)
    return [
        ("name", data["name"]),
        ("users", count(n_users)),
        ("movies", count(n_movies)),
        ("ratings", count(n_ratings)),
        (
            "share of all pairs rated",
            percent(n_ratings / cells if cells and n_ratings is not None else None, 1),
        ),
        ("SHA-256", None if data["sha256"] is None else f"{clean(data['sha256'])[:12]}…"),
    ]

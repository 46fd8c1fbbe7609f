"""The sections that show movies: hidden features, and users with what they were recommended."""

from collections.abc import Mapping
from typing import Any

from app.evaluation.report.formatting import clean, mappings, number
from model.features import unit_name

# A heavy user has rated thousands of movies; a page shows what a glance can take in.
RATED_SHOWN, RECOMMENDED_SHOWN = 10, 12

Shown = dict[str, Any]


def features(values: object) -> list[Shown]:
    """Hidden units that have at least one movie, by the direction in which movies turn them."""
    units = []
    for row in mappings(values):
        sides = {key: movies for key in ("on", "off") if (movies := mappings(row.get(key)))}
        weights = [number(movie.get("weight")) for side in sides.values() for movie in side]
        largest = max((abs(weight) for weight in weights if weight is not None), default=0.0)
        directions = [(key, [_weighted(m, largest) for m in side]) for key, side in sides.items()]
        if directions:
            share_on = number(row.get("share_on"))
            name = unit_name(_movie(movie)["title"] for movie in sides.get("on", []))
            unit = {"unit": row.get("unit"), "name": name, "share_on": share_on}
            units.append({**unit, "directions": directions})
    return units


def examples(values: object) -> list[Shown]:
    """Users with at least one recommendation."""
    users = []
    for row in mappings(values):
        rated = [
            {**_movie(movie), "liked": bool(movie.get("liked"))}
            for movie in mappings(row.get("rated"))
        ]
        recommended = [
            {**_movie(movie), "score": movie.get("score"), "hit": movie.get("hit") is True}
            for movie in mappings(row.get("recommended"))
        ][:RECOMMENDED_SHOWN]
        if recommended:
            users.append(
                {
                    "rated": rated[:RATED_SHOWN],
                    "n_unshown": max(len(rated) - RATED_SHOWN, 0),
                    "recommended": recommended,
                    "n_hits": sum(movie["hit"] for movie in recommended),
                }
            )
    return users


def _weighted(movie: Mapping[str, Any], largest: float) -> Shown:
    """Add the weight, and the length of its bar relative to the largest of the unit."""
    weight = number(movie.get("weight"))
    length = abs(weight) / largest if weight is not None and largest else 0.0
    return {**_movie(movie), "weight": weight, "length": length}


def _movie(movie: Mapping[str, Any]) -> Shown:
    year = number(movie.get("year"))
    return {
        "title": clean(movie.get("title")).strip(),
        "year": None if year is None else int(year),
    }

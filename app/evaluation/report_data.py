"""Gathers what a report card shows, in the form that `app.evaluation.report` renders."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, exists, select

from app.datasets.repository import ImportedDataset
from app.db.engine import Database
from app.db.tables import movies, ratings, users
from app.evaluation.report.movies import RATED_SHOWN, RECOMMENDED_SHOWN
from data.splitting import HeldOut
from model.features import describe_features, untitled
from model.rbm import RBM
from model.scoring import rank

# Title and year of a movie, by movie id.
Titles = Mapping[int, tuple[str, int | None]]

N_FEATURES = 12
N_EXAMPLES = 3


def read_titles(database: Database) -> Titles:
    """Return title and year of every movie."""
    with database.read() as connection:
        rows = connection.execute(select(movies.c.id, movies.c.title, movies.c.year)).all()
    return {row.id: (row.title, row.year) for row in rows}


def card_report(card: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Take from a model's card what its report shows of it."""
    rbm = next(row for row in card["results"] if row["model"] == "rbm")
    name = card["dataset"]["name"]
    return {
        "title": "Restricted Boltzmann Machine",
        "version": version,
        "created_at": card["created_at"],
        "dataset": {**card["dataset"], **card["data"], "is_sample": name == "sample"},
        "protocol": {
            "name": "strong generalisation, on users that no training saw",
            "like": f"{card['data']['like_threshold']} stars or more",
            "hidden": "a fifth of each held-out user's ratings",
            "gate": _verdict(card["gate"]),
        },
        "results": card["results"],
        "by_n_ratings": card.get("by_n_ratings", []),
        "curve": card["curve"],
        "holdout": {key: value for key, value in card["holdout"].items() if key != "salt"},
        "settings": card["configuration"],
        "versions": card["versions"],
        "repeat": [f"recommender import {name}", f"recommender train --seed {card['seed']}"],
        **figures_by_group(rbm),
    }


def _verdict(gate: Mapping[str, Any]) -> str:
    """Put the decision of the gate into words."""
    if gate["passed"]:
        beside = gate["compared_with"]
        return f"passed, beside model {beside}" if beside else "passed, beside popularity alone"
    what = "published although" if gate["published_anyway"] else "refused:"
    return f"{what} {'; '.join(gate['reasons'])}"


def comparison_report(comparison: Mapping[str, Any]) -> dict[str, Any]:
    """Take from the result of `model.comparison.compare` what its report shows of it."""
    rows = {row["model"]: row for row in comparison["results"]}
    shown = rows.get("rbm", next(iter(rows.values())))
    dataset, protocol = comparison["dataset"], dict(comparison["protocol"])
    versions = protocol.pop("versions")
    protocol["splits"] = len(protocol["splits"])
    return {
        "title": f"Models compared on {dataset['name']}",
        "dataset": {**dataset, "is_sample": dataset["name"] == "sample"},
        "protocol": protocol,
        "results": comparison["results"],
        "by_n_ratings": comparison.get("by_n_ratings", []),
        "settings": {name: row["settings"] for name, row in rows.items() if row["settings"]},
        "versions": versions,
        "repeat": [comparison["command"]],
        **figures_by_group(shown),
    }


def figures_by_group(result: Mapping[str, Any]) -> dict[str, Any]:
    """Give the reliability curve and the figures by kind of user and of movie of one model."""
    return {key: result[key] for key in ("reliability", "by_ratings", "by_popularity")}


def features(rbm: RBM, titles: Titles) -> list[dict[str, Any]]:
    """Describe the hidden units that make the most difference between users."""
    return [unit.as_json(titles) for unit in describe_features(rbm, n_units=N_FEATURES)]


def public_rows(
    database: Database, dataset: ImportedDataset | None, user_keys: Sequence[str] | NDArray[np.str_]
) -> list[int]:
    """Find the first few users whose ratings all come from a public release."""
    if dataset is None or not dataset.is_public:
        return []
    with database.read() as connection:
        rows = (row for row, key in enumerate(user_keys) if _is_public(connection, key))
        return list(islice(rows, N_EXAMPLES))


def _is_public(connection: Connection, key: str) -> bool:
    own = ratings.c.user_id == users.c.id
    given_here, released = exists().where(own, ~ratings.c.from_release), exists().where(own)
    query = select(users.c.id).where(users.c.key == str(key), released, ~given_here)
    return connection.execute(query).first() is not None


def examples(
    rbm: RBM, held_out: HeldOut, titles: Titles, rows: Sequence[int]
) -> list[dict[str, Any]]:
    """Show these held-out users: what they rated, what they would be recommended.

    For public data alone.
    """
    return [_example(rbm, held_out, row, titles) for row in rows]


def _example(rbm: RBM, held_out: HeldOut, row: int, titles: Titles) -> dict[str, Any]:
    given, liked = held_out.given.user(row)
    hidden, hidden_liked = held_out.hidden.user(row)
    scores, _ = rbm.score_user(given, liked)
    best = rank(scores, rbm.movie_ids, exclude=given, limit=RECOMMENDED_SHOWN)
    hits = np.isin(best, hidden[hidden_liked])
    # Evenly over what was rated: the first by movie id are the old, popular movies.
    shown = np.unique(np.linspace(0, len(given) - 1, RATED_SHOWN).astype(int))
    return {
        "rated": [{**_movie(rbm, given[i], titles), "liked": bool(liked[i])} for i in shown],
        "recommended": [
            {**_movie(rbm, movie, titles), "score": float(scores[movie]), "hit": bool(hit)}
            for movie, hit in zip(best, hits, strict=True)
        ],
    }


def _movie(rbm: RBM, row: int, titles: Titles) -> dict[str, Any]:
    movie_id = int(rbm.movie_ids[row])
    title, year = titles.get(movie_id, (untitled(movie_id), None))
    return {"title": title, "year": year}

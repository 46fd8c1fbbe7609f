"""The world of the recorded requests: always the same rows, moments and secrets."""

import json
import os
import secrets
import sys
from base64 import urlsafe_b64encode
from collections import Counter
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import insert, text, update

from app.db.engine import Database
from app.db.tables import (
    api_keys,
    datasets,
    installation,
    model_versions,
    movies,
    ratings,
    scenario_versions,
    training_runs,
    users,
)
from model import artifact
from tests.app.world import (
    MOMENT,
    MOVIE_IDS,
    TRAINED,
    activate,
    add_movies,
    add_ratings,
    draw_ratings,
    make_rbm,
)

NOW = MOMENT + timedelta(days=1)
SALT = "of this database"
GENRES = ["Drama", "Comedy", "Action", "Science Fiction"]
TITLES = {10: "The Matrix", 20: "Amélie", 30: "Seven Samurai", 40: "Toy Story", 50: "Toy Story 2"}
FIGURES = {"ndcg@10": 0.31, "ndcg@100": 0.41, "recall@20": 0.25, "recall@50": 0.5}
# The keys of documents in the order in which PostgreSQL gives them back: the shortest first.
REFUSED = {"passed": False, "reasons": ["it does not rank better than popularity"]}
SCENARIO = {
    "name": "home",
    "version": 1,
    "definition": {
        "boosts": [{"by": "genre", "genre": "Comedy", "weight": 0.5}],
        "pins": [{"movie_id": 370, "position": 2}],
        "number": 12,
        "exploration": 0.1,
    },
    "changed_at": MOMENT,
    "changed_by": "key admin",
}
RUN = {"requested_by": "key admin", "requested_at": MOMENT, "options": {"seed": 7}}


class FrozenTime(datetime):
    """A class of moments of which one is always now."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return NOW.astimezone(tz)


def freeze(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    """Stop the clocks of program and database, and draw the same secrets each time."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "app" and vars(module).get("datetime") is datetime:
            monkeypatch.setattr(module, "datetime", FrozenTime)
    drawn: Counter[tuple[str, int]] = Counter()

    def draw(kind: str, n_bytes: int) -> bytes:
        drawn[kind, n_bytes] += 1
        return sha256(f"{kind} {n_bytes} {drawn[kind, n_bytes]}".encode()).digest()[:n_bytes]

    def draw_text(n_bytes: int) -> str:
        return urlsafe_b64encode(draw("text", n_bytes)).decode().rstrip("=")

    monkeypatch.setattr(secrets, "token_hex", lambda n_bytes: draw("hex", n_bytes).hex())
    monkeypatch.setattr(secrets, "token_urlsafe", draw_text)
    monkeypatch.setattr(secrets, "randbelow", lambda below: int.from_bytes(draw("n", 4)) % below)
    # Without it a service leaves training to others.
    monkeypatch.setitem(sys.modules, "numba", None)
    if not database.is_sqlite:
        now = f"SELECT TIMESTAMPTZ '{NOW.isoformat()}'"
        with database.unit_of_work() as connection:
            connection.execute(text(
                f"CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz AS $${now}$$ "
                "LANGUAGE sql"
            ))  # fmt: skip
            connection.execute(text(
                f"ALTER DATABASE {database.url.database} SET search_path = public, pg_catalog"
            ))  # fmt: skip


def freeze_limits(app: FastAPI) -> None:
    """Let no time pass for those who count requests."""
    limiter = app.state.sign_in_tries
    limiter.clock = float
    layer: Any = app.middleware_stack
    while layer is not None:
        for value in list(vars(layer).values()):
            if isinstance(value, type(limiter)):
                value.clock = float  # always 0.0
        layer = getattr(layer, "app", None)


def fill(database: Database, models_dir: Path) -> None:
    """Store movies, users with ratings, of which two came with a release, models and trainings."""
    add_movies(database, MOVIE_IDS)
    add_ratings(database, draw_ratings())
    with database.unit_of_work() as connection:
        connection.execute(update(installation).values(holdout_salt=SALT, movies_revision=1))
        for place, movie_id in enumerate(MOVIE_IDS):
            genres = GENRES[place % 4 : place % 4 + 1 + place % 3]
            details: dict[str, Any] = {
                "title": TITLES.get(movie_id, f"Movie {movie_id}"),
                "genres": genres,
            }
            if movie_id in TITLES:
                details |= {"imdb_id": 1000 + movie_id, "tmdb_id": 2000 + movie_id}
            elif place % 10 == 9:
                details["year"] = None
            connection.execute(update(movies).where(movies.c.id == movie_id).values(details))
        release = {"name": "small", "sha256": "", "imported_at": MOMENT, "is_public": True}
        connection.execute(insert(datasets).values(release))
        for key in ("1", "2"):
            user = update(users).where(users.c.key == key).values(imported_from="small")
            user_id = connection.execute(user.returning(users.c.id)).scalar_one()
            theirs = update(ratings).where(ratings.c.user_id == user_id)
            connection.execute(theirs.values(from_release=True))
        connection.execute(insert(scenario_versions).values(SCENARIO))
    add_models(database, models_dir)
    add_runs(database)


def version_of(number: int) -> str:
    return f"{MOMENT + timedelta(minutes=number):%Y%m%dT%H%M%SZ}-{number:04x}"


def add_models(database: Database, models_dir: Path) -> None:
    """Publish models 1 and 2; 3 was refused, and the files of 4 are lost."""
    for number in range(1, 5):
        own = number % 2 == 0
        results = [
            {
                "model": name,
                "metrics": {
                    metric: {"mean": mean * by, "se": 0.02} for metric, mean in FIGURES.items()
                },
            }
            for name, by in (("rbm", 1.0), ("popularity", 0.5))
        ]
        card = {
            **TRAINED,
            "data": {**TRAINED["data"], "n_movies": 36},
            "holdout": {"salt": SALT if own else "another", "n_gate_users": 60},
            "results": results,
            **({"gate": REFUSED} if number == 3 else {}),
        }
        version = version_of(number)
        folder, report = models_dir / version, {"report.html": f"<p>Report of {version}</p>"}
        row = {
            "version": version,
            "state": "refused" if number == 3 else "published",
            "sha256": artifact.save(folder, make_rbm(number), card, report if own else None),
            "card": json.loads((folder / artifact.CARD).read_bytes()),
            "created_at": MOMENT + timedelta(minutes=number),
        }
        os.utime(folder / artifact.CARD, (0, MOMENT.timestamp()))
        if number == 4:
            (folder / "W.npy").unlink()
        with database.unit_of_work() as connection:
            connection.execute(insert(model_versions).values(row))
    activate(database, version_of(1))
    activate(database, version_of(2))


def add_runs(database: Database) -> None:
    """Record a training for each way in which one ends."""
    lead = {"low": -0.2, "high": 0.0, "mean": -0.1}
    gate = {**REFUSED, "differences": {"popularity": lead}, "published_anyway": False}
    models = {"rbm": {"ndcg@100": {"se": 0.02, "mean": 0.11}}}
    judged = {"gate": gate, "models": models, "n_gate_users": 60}
    runs: list[dict[str, Any]] = [
        {"state": "published", "version": version_of(2), "progress": {"stage": "done"}},
        {"state": "refused", "version": version_of(3), "progress": {}, "figures": judged},
        {"state": "failed", "progress": {"epoch": 3, "stage": "training"}, "error": "killed"},
    ]
    for minute, run in enumerate(runs):
        begun = MOMENT + timedelta(minutes=minute)
        moments = {"started_at": begun, "finished_at": begun + timedelta(seconds=30)}
        with database.unit_of_work() as connection:
            values = {**RUN, **moments, "lease_until": begun, "holder": "host:1", **run}
            connection.execute(insert(training_runs).values(values))


def add_keys(database: Database) -> None:
    """Make keys named by their scopes, each with `secret` as its secret; one is revoked."""
    names = [*(("read", None), ("write", None), ("admin", None)), ("revoked", NOW)]
    with database.unit_of_work() as connection:
        for name, revoked_at in names:
            scope = "admin" if name == "revoked" else name
            digest = sha256(b"secret").hexdigest()
            key = {"prefix": name, "sha256": digest, "scopes": [scope], "name": f"to {name}"}
            row = {**key, "created_at": MOMENT, "revoked_at": revoked_at}
            connection.execute(insert(api_keys).values(row))

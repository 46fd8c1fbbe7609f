"""What the benchmark of the service runs on: a database, a model of random weights, rivals.

    python -m benchmarks.serving_world FOLDER PORT application|ready-made|gorse-like|bare

serves a rival on a port until it is terminated: under uvicorn, with our protocol for HTTP:

- `application`: our application, started without the command;
- `ready-made`: a FastAPI application whose only route returns ready-made bytes;
- `gorse-like`: one whose only route does what gorse does: it reads the list of a user, computed
  before, from a row of SQLite, and writes ids and scores as JSON;
- `bare`: an ASGI application that returns ready-made bytes without any framework.

`python -m benchmarks.serving_world FOLDER SECONDS in-process KEY` calls our application directly,
without sockets and HTTP, and prints how many cached responses it makes in a second.
"""

from __future__ import annotations

import asyncio
import json
import logging.config
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Response
from sqlalchemy import insert

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.core.logging import log_config
from app.db.engine import Database
from app.db.schema import upgrade
from app.db.tables import movies, ratings, users
from app.http.connections import MAX_CONNECTIONS, Connections
from app.http.protocol import HttpProtocol
from app.main import create_app
from app.registry import repository as models
from model import artifact
from model.couplings import Couplings
from model.prior import MAX_DIRECTIONS, Prior
from model.rbm import RBM

if TYPE_CHECKING:
    from starlette.types import Receive, Send
    from starlette.types import Scope as Request

# Ratings of the requested users: as user 1 of ml-latest-small, and as the most active one there.
N_RATINGS = {"usual": 232, "busy": 2698}
PATH, QUERY = "/recommendations/usual", "limit=20"
READY = "ready.json"
LISTS = "lists.db"
# As training keeps: 50 neighbours per movie, both ways.
N_COUPLINGS = 70


def random_rbm(n_movies: int, n_hidden: int) -> RBM:
    """Draw weights, a prior and couplings of the size that training gives."""
    rng = np.random.default_rng(0)

    def normal(mean: float, scale: float, *shape: int) -> Any:
        drawn = rng.standard_normal(shape, dtype=np.float32)
        drawn *= scale
        drawn += mean
        return drawn

    rates = normal(-4, 1, n_movies, 2)
    prior = Prior(
        mean=normal(0, 0.02, n_hidden),
        up=normal(0, 1, n_hidden, MAX_DIRECTIONS),
        down=normal(0, 0.005, n_hidden, MAX_DIRECTIONS),
        strength=rng.uniform(0.01, 0.5, MAX_DIRECTIONS).astype(np.float32),
        rates=rates,
        correction=normal(0, 0.1, n_movies, 2),
        popularity=rates[:, 0].copy(),
        like_share=normal(0, 0.5, n_movies),
        length=80.0,
    )
    # Rising within a row, as an artifact must be.
    steps = rng.integers(1, n_movies // N_COUPLINGS, (n_movies, N_COUPLINGS), dtype=np.int32)
    coupled = np.cumsum(steps, axis=1, dtype=np.int32)
    couplings = Couplings(
        indptr=np.arange(n_movies + 1, dtype=np.int64) * N_COUPLINGS,
        indices=coupled.reshape(-1),
        values=normal(0, 0.1, coupled.size),
        strength=8.0,
        l2=2.5,
    )
    return RBM(
        W=normal(0, 0.05, n_movies, 2, n_hidden),
        a=rates,
        b=normal(-1, 1, n_hidden),
        movie_ids=np.arange(1, n_movies + 1),
        mean_ratings=160.0,
        prior=prior,
        couplings=couplings,
    )


def settings_of(folder: Path) -> Settings:
    """Give the settings of a world, without limits that a benchmark would meet."""
    return Settings(
        database_url=f"sqlite:///{folder / 'recommender.db'}",
        models_dir=folder / "models",
        key_rate_limit=100_000_000,
    )


def make_world(folder: Path, n_movies: int, n_hidden: int) -> str:
    """Fill a database, publish a model; return an API key."""
    settings = settings_of(folder)
    database = Database(settings.database_url)
    upgrade(database)
    rng = np.random.default_rng(1)
    now = datetime.now(UTC)
    sha256 = artifact.save(settings.models_dir / "v1", random_rbm(n_movies, n_hidden), {})
    rows = [
        {"id": id_, "title": f"The Movie of Number {id_}", "year": 1950 + id_ % 70,
         "genres": ["Comedy", "Drama", "Romance"][: 1 + id_ % 3]}
        for id_ in range(1, n_movies + 1)
    ]  # fmt: skip
    with database.unit_of_work() as connection:
        connection.execute(insert(movies), rows)
        for key, n_ratings in N_RATINGS.items():
            user = insert(users).values(key=key, ratings_revision=0).returning(users.c.id)
            user_id = connection.execute(user).scalar_one()
            rows = [
                {"user_id": user_id, "movie_id": int(id_) + 1, "rated_at": now,
                 "stars": float(rng.integers(1, 11)) / 2}
                for id_ in rng.choice(n_movies, n_ratings, replace=False)
            ]  # fmt: skip
            connection.execute(insert(ratings), rows)
        models.add(connection, "v1", {}, sha256, now)
        models.activate(connection, "v1")
    made = create_key(database, [Scope.READ], "benchmark")
    database.dispose()
    return made.text


def keep_ready(folder: Path, body: bytes) -> None:
    """Store a response for the rivals, as bytes and as a row."""
    (folder / READY).write_bytes(body)
    items = [[item["movie_id"], item["score"]] for item in json.loads(body)["items"]]
    with closing(sqlite3.connect(folder / LISTS)) as connection, connection:
        connection.execute("CREATE TABLE lists (user TEXT PRIMARY KEY, items TEXT)")
        connection.execute("INSERT INTO lists VALUES (?, ?)", ("usual", json.dumps(items)))


def application(folder: Path, kind: str) -> Any:
    """Make one of the applications."""
    if kind == "application":
        return create_app(settings_of(folder))
    if kind == "bare":
        return _bare((folder / READY).read_bytes())
    return _ready_made(folder) if kind == "ready-made" else _gorse_like(folder)


def _ready_made(folder: Path) -> FastAPI:
    app, body = FastAPI(), (folder / READY).read_bytes()

    @app.get("/recommendations/{user}")
    async def ready_made(user: str) -> Response:  # noqa: ARG001 (a route like ours has one)
        return Response(body, media_type="application/json")

    return app


def _gorse_like(folder: Path) -> FastAPI:
    app, connection = FastAPI(), sqlite3.connect(folder / LISTS)

    @app.get("/recommendations/{user}")
    async def gorse_like(user: str, limit: int = 20) -> list[dict[str, float]]:
        query = "SELECT items FROM lists WHERE user = ?"
        (items,) = connection.execute(query, (user,)).fetchone()
        return [{"Id": id_, "Score": score} for id_, score in json.loads(items)[:limit]]

    return app


def _bare(body: bytes) -> Any:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]

    async def app(scope: Request, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            while (message := await receive())["type"] != "lifespan.shutdown":
                await send({"type": f"{message['type']}.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})

    return app


async def in_process(folder: Path, seconds: float, key: str) -> float:
    """Return the cached responses per second of our application without a server."""
    app = application(folder, "application")
    request = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": PATH, "raw_path": PATH.encode(), "query_string": QUERY.encode(),
        "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "headers": [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {key}".encode())],
    }  # fmt: skip
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async with app.router.lifespan_context(app):
        await app({**request, "state": {}}, receive, send)
        begin = perf_counter()
        while (passed := perf_counter() - begin) < seconds:
            await app({**request, "state": {}}, receive, send)
            if not len(statuses) % 8:
                await asyncio.sleep(0)  # as a server, let others run: the log, the poller
    if set(statuses) != {200}:
        raise RuntimeError(f"responses of status {set(statuses)}")
    return len(statuses) / passed


def main() -> None:
    """Serve, with logs on as in production."""
    folder, number, kind = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    log = log_config(settings_of(folder))
    if kind == "in-process":
        logging.config.dictConfig(log)
        print(asyncio.run(in_process(folder, float(number), sys.argv[4])))
        return
    uvicorn.run(
        application(folder, kind),
        port=int(number),
        http=partial(HttpProtocol, Connections(MAX_CONNECTIONS)),  # type: ignore[arg-type]
        ws="none",
        log_config=log,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()

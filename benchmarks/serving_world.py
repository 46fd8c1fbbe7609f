"""What the benchmark of the service runs on: a database, a model of random weights, servers.

    python -m benchmarks.serving_world FOLDER PORT ours|ready-made|bare

serves on a port until it is terminated. `ours` is the whole service with an added route that
returns the bytes of a ready-made response; `ready-made` is a FastAPI application of that route
alone, `bare` an ASGI application that returns them without any framework.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
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
READY = "ready.json"
# As training keeps: 50 neighbours per movie, both ways.
N_COUPLINGS = 70


def random_rbm(n_movies: int, n_hidden: int) -> RBM:
    """Draw weights, a prior and couplings of the size that training gives."""
    rng = np.random.default_rng(0)

    def normal(mean: float, scale: float, *shape: int) -> Any:
        return rng.normal(mean, scale, shape).astype(np.float32)

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
    coupled = np.sort(rng.integers(0, n_movies, (n_movies, N_COUPLINGS), dtype=np.int32), axis=1)
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


def application(folder: Path, kind: str) -> Any:
    """Make one of the applications."""
    path = folder / READY
    body = path.read_bytes() if path.exists() else b"{}"
    if kind == "bare":
        return _bare(body)
    app = create_app(settings_of(folder)) if kind == "ours" else FastAPI()

    @app.get("/ready-made/{user}")
    async def ready_made(user: str) -> Response:  # noqa: ARG001 (a route like ours has one)
        return Response(body, media_type="application/json")

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


def main() -> None:
    """Serve, with logs on as in production."""
    folder, port, kind = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    uvicorn.run(
        application(folder, kind),
        port=port,
        http="h11",  # as app.cli.http_server
        log_config=log_config(settings_of(folder)),
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()

"""A service with very many movies: start, memory, cold answers, titles, and a change of a movie.

    python -m benchmarks.many_served [--movies 1000000] [--known 1000000] [--hidden 500]

Fills SQLite with movies, whose titles have 1 to 5 words as frequent as those of a language, and
with users of 1 to 200 ratings; publishes a model of random weights that knows the first `--known`
movies, as one trained with `min_ratings` does; and starts `recommender serve`. Prints seconds to be
ready, memory, and medians of answers, each asked for once. With the default the model takes 5 GB of
disk, and of memory while it is made.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
from sqlalchemy import insert

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.db.engine import Database
from app.db.schema import upgrade
from app.db.tables import ratings, users
from app.registry import repository as models
from benchmarks.scenario_cost import Client
from benchmarks.serve import _own_memory, _processor_seconds, serve
from benchmarks.serving_world import random_rbm, settings_of
from model import artifact

if TYPE_CHECKING:
    from collections.abc import Iterator

GENRES = (
    "Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War",
    "Western",
)  # fmt: skip
N_WORDS, MAX_WORDS = 40_000, 5
BLOCK = 100_000
MAX_RATINGS = 200
INSERT = "INSERT INTO movies (id, title, year, genres) VALUES (?, ?, ?, ?)"


def fill(folder: Path, n_movies: int, n_known: int, n_hidden: int, n_users: int) -> str:
    """Make the database and the model; return an API key."""
    settings, rng = settings_of(folder), np.random.default_rng(1)
    database = Database(settings.database_url)
    upgrade(database)
    sha256 = artifact.save(settings.models_dir / "v1", random_rbm(n_known, n_hidden), {})
    with database.unit_of_work() as connection:
        for rows in _movies(rng, n_movies):
            # A fifth of the time of inserts by the toolkit.
            connection.exec_driver_sql(INSERT, rows)
        for number in range(n_users):
            user = insert(users).values(key=f"user-{number}", ratings_revision=0)
            user_id = connection.execute(user.returning(users.c.id)).scalar_one()
            rated = rng.choice(n_known, int(rng.integers(1, MAX_RATINGS + 1)), replace=False)
            same = {"user_id": user_id, "rated_at": datetime.now(UTC)}
            of_user = [
                {**same, "movie_id": row + 1, "liked": row % 5 > 1} for row in rated.tolist()
            ]
            connection.execute(insert(ratings), of_user)
        models.add(connection, "v1", {}, sha256, datetime.now(UTC))
        models.activate(connection, "v1")
    made = create_key(database, [Scope.READ, Scope.ADMIN], "benchmark")
    database.dispose()
    return made.text


def _movies(rng: np.random.Generator, n_movies: int) -> Iterator[list[tuple[int, str, int, str]]]:
    letters = np.array(list("etaoinshrdlucmfwypvbgk"))
    words = ["".join(rng.choice(letters, rng.integers(3, 11))) for _ in range(N_WORDS)]
    frequency = 1 / np.arange(1, N_WORDS + 1)
    for begin in range(0, n_movies, BLOCK):
        n = min(BLOCK, n_movies - begin)
        drawn = rng.choice(N_WORDS, (n, MAX_WORDS), p=frequency / frequency.sum()).tolist()
        genres = rng.integers(0, len(GENRES), (n, 3)).tolist()
        lengths = rng.integers(1, MAX_WORDS + 1, n).tolist()
        years, n_genres = rng.integers(1900, 2026, n).tolist(), rng.integers(0, 4, n).tolist()
        yield [
            (
                begin + i + 1,
                " ".join(words[word] for word in drawn[i][: lengths[i]]).title(),
                years[i],
                json.dumps(sorted({GENRES[genre] for genre in genres[i][: n_genres[i]]})),
            )
            for i in range(n)
        ]


def timed(client: Client, path: str, body: object = None) -> float:
    """Return the milliseconds of an answer, to a GET or, with a body, to a POST."""
    begin = time.perf_counter()
    client.send("GET" if body is None else "POST", path, body)
    return 1000 * (time.perf_counter() - begin)


def lists(client: Client, n_users: int, query: str) -> float:
    """Return the median of the answers to all users."""
    paths = [f"/recommendations/user-{number}?limit=20{query}" for number in range(n_users)]
    return median(timed(client, path) for path in paths)


def behind_the_model(client: Client, n_known: int) -> float:
    """Return the time of a list of movies that the model does not know: all others are excluded."""
    ratings_of = [{"movie_id": id_, "liked": True} for id_ in range(1, min(n_known, 900) + 1, 9)]
    body = {"ratings": ratings_of, "limit": 20, "exclude_genre": list(GENRES[:17])}
    return timed(client, "/recommendations", body)


def titles(client: Client) -> dict[str, float]:
    """Return times of searches."""
    found = client.send("GET", "/movies?limit=50")["items"]
    long = max((item["title"] for item in found), key=len)
    texts = {
        "title": long,
        "beginning": long[:4],
        "typing error": "x" + long[1:],
        "nothing": "qqzz",
    }
    paths = {name: f"/movies/search?q={quote(text)}" for name, text in texts.items()}
    return {f"search: {name}": timed(client, path) for name, path in paths.items()}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--movies", type=int, default=1_000_000)
    parser.add_argument("--known", type=int)
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--users", type=int, default=50)
    options = parser.parse_args()
    known = options.known or options.movies
    with tempfile.TemporaryDirectory() as name:
        folder, begin = Path(name), time.perf_counter()
        key = fill(folder, options.movies, known, options.hidden, options.users)
        print(f"filled in {time.perf_counter() - begin:.0f} s", flush=True)
        with serve(folder) as server:
            spent = _processor_seconds(server.pid)
            print(f"ready after {server.start_s:.1f} s, {spent:.1f} s of processor", flush=True)
            client = Client(server.port, key)
            figures = {"memory of its own, MiB": _own_memory(server.pid)}
            figures["first list, ms"] = timed(client, "/recommendations/user-0?limit=19")
            figures["first sort by title, ms"] = timed(client, "/movies?sort=title&limit=20")
            figures["cold list, ms"] = lists(client, options.users, "")
            figures["cold list with 3 reasons, ms"] = lists(client, options.users, "&explain=3")
            figures["cold list of a genre, ms"] = lists(client, options.users, "&genre=war")
            figures["popular movies, ms"] = timed(client, "/movies?limit=20")
            figures["genres, ms"] = timed(client, "/genres")
            figures["list behind the model, ms"] = behind_the_model(client, known)
            figures |= {f"{name}, ms": value for name, value in titles(client).items()}
            figures["a movie added and served, ms"] = timed(
                client, "/movies", {"title": "A New Movie", "genres": ["War"]}
            )
            figures["memory of its own after that, MiB"] = _own_memory(server.pid)
    for what, value in figures.items():
        print(f"{what:36} {value:10,.1f}")


if __name__ == "__main__":
    main()

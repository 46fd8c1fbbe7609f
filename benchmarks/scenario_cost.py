"""What the rules of a scenario cost: a cold answer with them beside one without.

    python -m benchmarks.scenario_cost [--users 300] [--movies 9700] [--hidden 500]

Starts `recommender serve` on a model of random weights. Each user, of 232 ratings, is asked for
once without a scenario and once with one of three boosts, two filters and a pin, so no answer is
cached; the order alternates. Prints milliseconds of processor time of the server per answer, and
their ratio, with and without reasons.
"""

from __future__ import annotations

import argparse
import http.client
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.db.engine import Database
from app.db.tables import ratings, users
from benchmarks.serve import _processor_seconds, serve
from benchmarks.serving_world import make_world, settings_of

N_RATINGS, BLOCK = 232, 25
DEFINITION: dict[str, Any] = {
    "boosts": [
        {"by": "popularity", "weight": 0.5},
        {"by": "recency", "weight": 1},
        {"by": "genre", "genre": "Comedy", "weight": 0.7},
    ],
    "filters": {"year_from": 1960, "exclude_genre": ["Romance"]},
    "pins": [{"movie_id": 12, "position": 3}],
}


def add_users(folder: Path, n_users: int, n_movies: int) -> str:
    """Add users with ratings; return an API key that may change scenarios."""
    database, rng = Database(settings_of(folder).database_url), np.random.default_rng(4)
    now = datetime.now(UTC)
    with database.unit_of_work() as connection:
        for number in range(n_users):
            row = insert(users).values(key=f"user-{number}", ratings_revision=0)
            user_id = connection.execute(row.returning(users.c.id)).scalar_one()
            movies = rng.choice(n_movies, N_RATINGS, replace=False) + 1
            connection.execute(
                insert(ratings),
                [
                    {"user_id": user_id, "movie_id": id_, "rated_at": now, "liked": id_ % 5 > 1}
                    for id_ in movies.tolist()
                ],
            )
    made = create_key(database, [Scope.READ, Scope.ADMIN], "benchmark")
    database.dispose()
    return made.text


class Client:
    """Sends requests on one kept connection."""

    def __init__(self, port: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Send a request, and return what was answered."""
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, self.headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status not in {200, 201}:
            raise RuntimeError(f"{method} {path}: {response.status} {answer}")
        return answer


def measure(client: Client, process_id: int, n_users: int, query: str) -> tuple[float, float]:
    """Return the milliseconds of processor time of an answer without and with the scenario."""
    spent = {"": 0.0, "&scenario=home": 0.0}
    for begin in range(0, n_users, BLOCK):
        order = list(spent) if begin // BLOCK % 2 else list(spent)[::-1]
        for scenario in order:
            before = _processor_seconds(process_id)
            for number in range(begin, min(begin + BLOCK, n_users)):
                client.send("GET", f"/recommendations/user-{number}?{query}{scenario}")
            spent[scenario] += _processor_seconds(process_id) - before
    plain, ruled = (1000 * seconds / n_users for seconds in spent.values())
    return plain, ruled


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=300)
    parser.add_argument("--movies", type=int, default=9_700)
    parser.add_argument("--hidden", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_world(folder, options.movies, options.hidden)
        key = add_users(folder, options.users, options.movies)
        with serve(folder) as server:
            client = Client(server.port, key)
            client.send("PUT", "/scenarios/home", DEFINITION)
            for scenario in ("", "&scenario=home"):  # load and compile what the first answer needs
                client.send("GET", f"/recommendations/usual?limit=20{scenario}")
            for reasons in (0, 3):
                query = f"limit=20&explain={reasons}"
                plain, ruled = measure(client, server.pid, options.users, query)
                print(
                    f"{reasons} reasons: {plain:.2f} ms without, {ruled:.2f} ms with the scenario,"
                    f" {ruled / plain:.3f} times"
                )


if __name__ == "__main__":
    main()

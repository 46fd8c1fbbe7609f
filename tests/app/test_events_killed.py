"""Twenty kills of the service while clients post: nothing lost, nothing twice."""

import http.client
import json
import os
import random
import signal
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.config import Settings
from app.db.engine import Database
from app.db.tables import events, feedback, installation, ratings, users
from app.feedback.identity import Origin, encode
from app.live.rules import read_rules
from tests.app.service_process import free_port, processes_of, serving
from tests.app.world import MOVIE_IDS, add_movies

N_KILLS, N_CLIENTS, BATCH = 20, 4, 50
FAILURES = (OSError, http.client.HTTPException)


class Client:
    """Posts one batch of events after the other, each until it is answered."""

    name = "events"

    def __init__(self, number: int, port: int) -> None:
        self.number = number
        self.port = port
        self.acknowledged: list[list[int]] = []  # the statuses of each batch
        self.n_failures = 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        while not self.stopping.is_set():
            self.acknowledged.append(self.post(len(self.acknowledged)))

    def batch(self, number: int) -> list[dict[str, Any]]:
        """Make the purchases of a new user each, always the same ones."""
        names = [f"{self.number}-{number}-{place}" for place in range(BATCH)]
        movies = [MOVIE_IDS[(number + place) % len(MOVIE_IDS)] for place in range(BATCH)]
        return [
            {"event_id": name, "user": f"user-{name}", "movie_id": movie, "kind": "purchased"}
            for name, movie in zip(names, movies, strict=True)
        ]

    def post(self, number: int) -> list[int]:
        body = json.dumps({self.name: self.batch(number)})
        headers = {"Content-Type": "application/json"}
        if self.number % 2:
            headers["Idempotency-Key"] = f"{self.name}-{self.number}-{number}"
        while True:
            with suppress(*FAILURES), closing(self.connect()) as connection:
                connection.request("POST", f"/{self.name}", body, headers)
                response = connection.getresponse()
                answer = json.loads(response.read())
                if response.status == 200:
                    return [item["status"] for item in answer["items"]]
                assert response.status in {409, 503}, answer
            self.n_failures += 1
            time.sleep(0.02)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)


class FeedbackClient(Client):
    """Does the same with feedback."""

    name = "feedback"

    def __init__(self, number: int, port: int, secret: bytes) -> None:
        super().__init__(number, port)
        self.secret = secret

    def batch(self, number: int) -> list[dict[str, Any]]:
        """Make what a new user was shown, always the same."""
        user = f"shown-{self.number}-{number}"
        id_ = encode(self.secret, user, Origin("v1", "home"))
        one = {"recommendation_id": id_, "user": user, "kind": "shown"}
        return [
            {**one, "feedback_id": f"{user}-{place}", "movie_id": movie}
            for place, movie in enumerate(MOVIE_IDS)
        ]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_whatever_is_killed_what_was_acknowledged_is_there_and_nothing_twice(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    add_movies(database, MOVIE_IDS)
    generator = random.Random()  # noqa: S311 (any moments do)
    port = free_port()
    with database.read() as connection:
        secret = read_rules(connection).secret
    of_events = [Client(number, port) for number in range(N_CLIENTS)]
    of_feedback = [FeedbackClient(number, port, secret) for number in range(N_CLIENTS)]
    clients = of_events + of_feedback
    variables = {"RECOMMENDER_PORT": str(port), "RECOMMENDER_LOG_LEVEL": "warning"}
    for number in range(N_KILLS):
        with serving(settings, tmp_path, **variables) as running:
            if not number:
                for client in clients:
                    client.thread.start()
            time.sleep(generator.uniform(0.1, 0.6))
            for pid in processes_of(running.process.pid):
                os.kill(pid, signal.SIGKILL)
            running.process.wait(20)
    with serving(settings, tmp_path, **variables):
        for client in clients:
            client.stopping.set()
        for client in clients:
            client.thread.join(60)
            assert not client.thread.is_alive()
    assert sum(client.n_failures for client in clients) >= N_KILLS
    check_statuses(clients)
    check_events(database, of_events)
    check_feedback(database, of_feedback)


def check_statuses(clients: list[Client]) -> None:
    statuses = [each for client in clients for batch in client.acknowledged for each in batch]
    assert set(statuses) <= {200, 201}
    for client in clients[1::2]:  # whose requests have keys: the first response each time
        assert all(set(batch) == {201} for batch in client.acknowledged)


def check_feedback(database: Database, clients: list[FeedbackClient]) -> None:
    sent = {
        each["feedback_id"]: (each["user"], each["movie_id"])
        for client in clients
        for number in range(len(client.acknowledged))
        for each in client.batch(number)
    }
    query = select(feedback.c.feedback_id, users.c.key, feedback.c.movie_id).join(users)
    with database.read() as connection:
        found = connection.execute(query)
        assert {row.feedback_id: (row.key, row.movie_id) for row in found} == sent


def check_events(database: Database, clients: list[Client]) -> None:
    sent = {
        event["event_id"]: (event["user"], event["movie_id"])
        for client in clients
        for number in range(len(client.acknowledged))
        for event in client.batch(number)
    }
    with database.read() as connection:
        found = connection.execute(
            select(events.c.event_id, users.c.key, events.c.movie_id).join(users)
        )
        assert {row.event_id: (row.key, row.movie_id) for row in found} == sent
        rows = connection.execute(
            select(users.c.key, ratings.c.movie_id, users.c.ratings_revision).join(ratings)
        ).all()
        revision = connection.execute(select(installation.c.ratings_revision)).scalar_one()
    assert {(row.key, row.movie_id) for row in rows} == set(sent.values())
    # Each batch that was carried out has drawn a revision of its own, and none has drawn two.
    n_batches = sum(len(client.acknowledged) for client in clients)
    assert len({row.ratings_revision for row in rows}) == revision == n_batches

"""Requests with an Idempotency-Key: carried out once, whatever a client and its network do."""

import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Connection, event, func, insert, select, update

from app.auth.keys import KeyRing
from app.auth.scopes import Scope
from app.auth.service import create_key
from app.db import answered_requests as repository
from app.db import tables
from app.db.engine import Database
from app.db.tables import answered_requests, ratings, users
from app.http import idempotency
from app.http.idempotency import Idempotency, RequestInProgressError, SentKey
from app.ratings import repository as rating_repository
from app.ratings.schemas import BulkRatingsRequest, MovieRatingRequest, RatingResults
from app.ratings.service import RatingService
from tests.app.world import MOVIE_IDS, add_movies
from tests.killing import die, kill_after, moments, run_until_killed

UUID = "8e03978e-40d5-43e8-bc93-6894a57f9324"
LIKES: list[dict[str, Any]] = [{"movie_id": 10, "liked": True}, {"movie_id": 11, "stars": 2.5}]
SENT = SentKey("me-1", "", "POST /users/me/ratings?")


@pytest.fixture
def rater(database: Database, empty_client: TestClient) -> TestClient:
    """A service with movies, without users."""
    add_movies(database, MOVIE_IDS)
    return empty_client


def post(
    client: TestClient, key: str | None = UUID, user: str = "me", body: Any = None, **headers: str
) -> Response:
    if key is not None:
        headers["Idempotency-Key"] = key
    body = {"ratings": LIKES} if body is None else body
    return client.post(f"/users/{user}/ratings", json=body, headers=headers)


def rated(database: Database) -> list[tuple[str, int]]:
    query = select(users.c.key, ratings.c.movie_id).join(ratings, ratings.c.user_id == users.c.id)
    with database.read() as connection:
        return sorted((row.key, row.movie_id) for row in connection.execute(query))


def n_recorded(database: Database) -> int:
    with database.read() as connection:
        query = select(func.count()).select_from(answered_requests)
        return connection.execute(query).scalar_one()


def age(database: Database, by: timedelta) -> None:
    """Let time pass for what is recorded."""
    with database.unit_of_work() as connection:
        for row in connection.execute(select(answered_requests)).all():
            connection.execute(
                update(answered_requests)
                .where(answered_requests.c.key_sha256 == row.key_sha256)
                .values(answered_at=row.answered_at - by)
            )


def test_a_request_sent_again_gets_the_first_response_and_writes_nothing(
    rater: TestClient, database: Database
) -> None:
    first = post(rater)
    assert [item["status"] for item in first.json()["items"]] == [201, 404]
    rater.delete("/users/me/ratings/10")
    again = post(rater)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert rated(database) == []  # what was deleted since stays so
    assert post(rater, key=f'"{UUID}"').content == first.content  # as the draft quotes it


def test_a_request_without_a_key_is_carried_out_each_time_and_not_recorded(
    rater: TestClient, database: Database
) -> None:
    assert [post(rater, None).json()["items"][0]["status"] for _ in range(2)] == [201, 200]
    assert n_recorded(database) == 0


@pytest.mark.parametrize(
    ("user", "body"),
    [("me", {"ratings": LIKES[:1]}), ("you", {"ratings": LIKES})],
    ids=["body", "path"],
)
def test_a_key_that_came_with_another_request_is_refused(
    rater: TestClient, database: Database, user: str, body: Any
) -> None:
    post(rater)
    response = post(rater, user=user, body=body)
    assert response.status_code == 422
    (field,) = response.json()["fields"]
    assert field["location"] == ["header", "Idempotency-Key"]
    assert field["type"] == "idempotency_key_reused"
    assert rated(database) == [("me", 10)]


def test_the_same_ratings_written_in_another_way_are_the_same_request(rater: TestClient) -> None:
    first = post(rater)
    text = '{"ratings": [ {"liked":true,"movie_id":10}, {"movie_id":11.0,"stars":2.50} ] }'
    headers = {"Idempotency-Key": UUID, "Content-Type": "application/json"}
    again = rater.post("/users/me/ratings", content=text, headers=headers)
    assert again.content == first.content


def test_a_refused_request_may_be_put_right_under_its_key(
    rater: TestClient, database: Database
) -> None:
    assert post(rater, body={"ratings": []}).status_code == 422
    assert n_recorded(database) == 0
    assert post(rater).status_code == 200


def test_two_api_keys_may_use_the_same_name(rater: TestClient, database: Database) -> None:
    for _ in range(2):
        key = create_key(database, [Scope.WRITE], "").text
        service: Any = rater.app
        service.state.services.find(KeyRing).refresh()
        response = post(rater, user=key[:12], Authorization=f"Bearer {key}")
        assert response.json()["items"][0]["status"] == 201
    assert n_recorded(database) == 2


@pytest.mark.parametrize("key", ["", "a" * 129, "two words", "umlaut-\xfc", '"open', "a;b", '""'])
def test_a_malformed_key_is_refused(rater: TestClient, database: Database, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    response = rater.post("/users/me/ratings", json={"ratings": LIKES}, headers=headers)
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"] == ["header", "Idempotency-Key"]
    assert rated(database) == []


def test_neither_the_key_nor_the_user_is_stored_as_sent(
    rater: TestClient, database: Database
) -> None:
    post(rater, key="invoice-of-jane", user="jane")
    with database.read() as connection:
        (row,) = connection.execute(select(answered_requests)).all()
    assert "jane" not in repr(row) + zlib.decompress(row.response).decode()


def test_after_a_day_a_key_is_new(rater: TestClient, database: Database) -> None:
    post(rater)
    age(database, idempotency.KEPT - timedelta(minutes=1))
    assert post(rater).json()["items"][0]["status"] == 201
    age(database, timedelta(minutes=2))
    assert post(rater).json()["items"][0]["status"] == 200  # carried out: the rating is there
    assert n_recorded(database) == 1


def test_expired_responses_are_deleted_and_no_others(
    rater: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "PRUNED_AT_ONCE", 2)
    for number in range(5):
        post(rater, key=f"old-{number}")
    age(database, idempotency.KEPT)
    post(rater, key="new")
    Idempotency(database).prune()
    with database.read() as connection:
        (left,) = connection.execute(select(answered_requests.c.key_sha256)).scalars()
    assert left == SentKey("new", "", "").key_sha256
    Idempotency(database).prune()  # nothing to do
    assert n_recorded(database) == 1


def test_the_service_prunes_by_itself(
    connect: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "PRUNE_S", 0.01)
    pruned = Event()
    monkeypatch.setattr(Idempotency, "prune", lambda _: pruned.set())
    connect()
    assert pruned.wait(30)


def test_an_erasure_deletes_the_recorded_responses_of_the_user(
    rater: TestClient, database: Database
) -> None:
    post(rater, user="me")
    post(rater, user="you", key="another")
    rater.delete("/users/me")
    assert n_recorded(database) == 1
    assert rater.get("/users/me").status_code == 404


def test_the_longest_response_can_be_recorded(rater: TestClient, database: Database) -> None:
    unknown = [{"movie_id": 2**31 - 1 - 7 * n, "stars": 4.5} for n in range(1000)]
    response = post(rater, body={"ratings": unknown})
    assert len(response.content) < idempotency.MAX_RESPONSE // 4
    with database.read() as connection:
        stored = connection.execute(select(answered_requests.c.response)).scalar_one()
    assert len(stored) < 20_000
    assert post(rater, body={"ratings": unknown}).content == response.content


def test_a_longer_one_is_not_recorded_and_undoes_what_it_confirms(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_movies(database, MOVIE_IDS)
    monkeypatch.setattr(idempotency, "MAX_RESPONSE", 100)
    with pytest.raises(ValueError, match="longer than 100"):
        rate_once(database)
    assert (rated(database), n_recorded(database)) == ([], 0)


def rate_once(database: Database, user: str = "me") -> RatingResults:
    """Carry out a request as the endpoint does, always the same one of a user."""
    ratings_ = [MovieRatingRequest(movie_id=id_, liked=True) for id_ in (10, 20)]
    response = Idempotency(database).respond(
        SENT._replace(route=f"POST /users/{user}/ratings?", key=f"{user}-1"),
        user,
        BulkRatingsRequest(ratings=ratings_),
        lambda connection: RatingService(database, 4.0).put_all(connection, user, ratings_),
    )
    return RatingResults.model_validate_json(bytes(response.body))


def test_a_request_is_refused_while_the_same_one_is_in_progress(
    rater: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = Event(), Event()
    put = rating_repository.put

    def put_slowly(*arguments: Any) -> Any:
        begun.set()
        assert may_end.wait(30)
        return put(*arguments)

    monkeypatch.setattr(rating_repository, "put", put_slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(post, rater, SENT.key)
        assert begun.wait(30)
        meanwhile = post(rater, SENT.key)
        if not database.is_sqlite:  # another worker; on SQLite it waits for the first one's write
            with pytest.raises(RequestInProgressError):
                rate_once(database)
        may_end.set()
    assert meanwhile.status_code == 409
    assert meanwhile.json()["error"] == "RequestInProgress"
    assert meanwhile.headers["retry-after"] == "1"
    assert first.result().status_code == 200
    assert post(rater, SENT.key).content == first.result().content


def test_a_request_that_failed_is_no_longer_in_progress(database: Database) -> None:
    add_movies(database, MOVIE_IDS)
    once = Idempotency(database)
    body = BulkRatingsRequest(ratings=[MovieRatingRequest(movie_id=10, liked=True)])

    def fail(_: Connection) -> RatingResults:
        raise TimeoutError

    for _ in range(2):
        with pytest.raises(TimeoutError):
            once.respond(SENT, "me", body, fail)
    assert rate_once(database).items[0].status == 201


def test_of_many_workers_with_one_request_one_writes(database: Database) -> None:
    add_movies(database, MOVIE_IDS)

    def send(_: int) -> list[int] | None:
        try:
            return [item.status for item in rate_once(database).items]
        except RequestInProgressError:
            return None

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(30)))
    assert all(answer in ([201, 201], None) for answer in answers)
    assert [201, 201] in answers
    assert (len(rated(database)), n_recorded(database)) == (2, 1)
    with database.read() as connection:
        assert connection.execute(select(users.c.ratings_revision)).scalar_one() == 1


def test_a_response_that_expires_while_it_is_read_is_replaced(database: Database) -> None:
    add_movies(database, MOVIE_IDS)
    row = {"key_sha256": SENT.key_sha256, "request_sha256": "of another", "status": 200}
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with database.unit_of_work() as connection:
        values = {**row, "answered_at": long_ago, "response": b""}
        connection.execute(insert(answered_requests).values(values))
    assert rate_once(database).items[0].status == 201
    assert n_recorded(database) == 1


def killed_before_recording(url: str) -> None:
    setattr(repository, "put", die)  # noqa: B010 (mypy refuses the assignment)
    rate_once(Database(url))


def killed_before_the_commit(url: str) -> None:
    database = Database(url)
    event.listen(database.engine, "commit", die)
    rate_once(database)


def killed_after_the_commit(url: str) -> None:
    rate_once(Database(url))
    die()


@pytest.mark.parametrize(
    ("work", "is_recorded"),
    [
        (killed_before_recording, False),
        (killed_before_the_commit, False),
        (killed_after_the_commit, True),
    ],
)
def test_a_killed_process_leaves_ratings_and_response_or_neither(
    database: Database, work: Callable[[str], None], *, is_recorded: bool
) -> None:
    add_movies(database, MOVIE_IDS)
    run_until_killed(work, database.url.render_as_string(hide_password=False))
    assert (len(rated(database)), n_recorded(database)) == ((2, 1) if is_recorded else (0, 0))
    # Either way the client that sends its request again is told what happened the first time.
    assert [item.status for item in rate_once(database).items] == [201, 201]
    assert (len(rated(database)), n_recorded(database)) == (2, 1)


def rate_many(url: str) -> None:
    database = Database(url)
    for number in range(N_REQUESTS):
        rate_once(database, f"user-{number}")


N_REQUESTS = 50


@pytest.mark.slow
def test_killed_at_many_moments_every_request_is_carried_out_once(database: Database) -> None:
    url = database.url.render_as_string(hide_password=False)
    add_movies(database, MOVIE_IDS)
    n_killed = 0
    for after in moments(12, 1.0):
        n_killed += kill_after(after, rate_many, url)
        rated_by = {user for user, _ in rated(database)}
        assert len(rated(database)) == 2 * len(rated_by)
        assert n_recorded(database) == len(rated_by)
        for number in range(N_REQUESTS):  # the client does not know which were carried out
            items = rate_once(database, f"user-{number}").items
            assert [item.status for item in items] == [201, 201]
        with database.read() as connection:  # the counter tells how many have written
            revision = connection.execute(select(tables.installation.c.ratings_revision))
            assert revision.scalar_one() == N_REQUESTS
        assert n_recorded(database) == N_REQUESTS
        with database.unit_of_work() as connection:
            for table in (answered_requests, ratings, users):
                connection.execute(table.delete())
            connection.execute(update(tables.installation).values(ratings_revision=0))
    assert n_killed > 0

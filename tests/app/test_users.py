"""GET /users, GET and DELETE /users/{user}."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, func, select, text, update

from app.db.engine import Database
from app.db.tables import erasures, installation, metadata, ratings, users
from tests.app.world import MOVIE_IDS, World


def everything(connection: Connection) -> str:
    """All rows of all tables, as text."""
    return "\n".join(
        str(tuple(row))
        for table in metadata.sorted_tables
        for row in connection.execute(select(table))
    )


def test_an_export_holds_all_that_the_database_holds(client: TestClient, world: World) -> None:
    with world.database.unit_of_work() as connection:
        connection.execute(update(users).where(users.c.key == "6").values(imported_from="ml-1m"))
    body = client.get("/users/6").json()
    listed = client.get("/users/6/ratings?limit=1000").json()["items"]
    assert len(listed) == len(world.ratings["6"])
    assert body == {
        "user": "6", "imported_from": "ml-1m", "ratings_revision": 1, "ratings": listed,
    }  # fmt: skip
    # A column that comes to the table must come to the export, or here.
    assert {column.name for column in users.c} - {"id"} == {
        "key", "imported_from", "ratings_revision",
    }  # fmt: skip


@pytest.mark.parametrize("user", ["nobody", "a" * 128])
def test_nothing_is_known_about_an_unknown_user(client: TestClient, user: str) -> None:
    response = client.get(f"/users/{user}")
    assert response.status_code == 404
    assert response.json() == {"error": "UserNotFound", "detail": "Nothing is known of this user."}


def test_an_erasure_leaves_nothing_and_says_only_that_there_was_one(
    client: TestClient, database: Database
) -> None:
    client.put("/users/visitor@example.org/ratings/10", json={"stars": 2})
    client.get("/recommendations/visitor@example.org")
    with database.read() as connection:
        assert "visitor@" in everything(connection)
        before = connection.execute(select(func.count()).select_from(ratings)).scalar_one()
    response = client.delete("/users/visitor@example.org")
    assert (response.status_code, response.content) == (204, b"")
    with database.read() as connection:
        assert "visitor@" not in everything(connection)
        after = connection.execute(select(func.count()).select_from(ratings)).scalar_one()
        (erasure,) = connection.execute(select(erasures)).all()
        newest = connection.execute(select(installation.c.ratings_revision)).scalar_one()
    assert after == before - 1
    assert erasure.ratings_revision == newest
    assert client.get("/users/visitor@example.org").status_code == 404
    assert client.get("/users/visitor@example.org/ratings").json()["items"] == []
    answer = client.get("/recommendations/visitor@example.org").json()
    assert answer["reason"] == "unknown_user"


def test_erasing_an_unknown_user_is_no_error_and_records_nothing(
    client: TestClient, database: Database
) -> None:
    assert client.delete("/users/nobody").status_code == 204
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(erasures)).scalar_one() == 0


def test_others_keep_all_they_have(client: TestClient, world: World) -> None:
    before = client.get("/users/5").json()
    client.delete("/users/6")
    assert client.get("/users/5").json() == before
    assert set(world.ratings["5"]) == {item["movie_id"] for item in before["ratings"]}


def test_an_erased_user_may_rate_again(client: TestClient) -> None:
    client.delete("/users/6")
    assert client.put("/users/6/ratings/10", json={"liked": True}).status_code == 201
    assert len(client.get("/users/6").json()["ratings"]) == 1


def test_users_may_rate_while_they_are_erased(client: TestClient, database: Database) -> None:
    def act(number: int) -> int:
        user = "ab"[number % 2]
        if number % 5 == 0:
            return int(client.delete(f"/users/{user}").status_code)
        if number % 5 == 1:
            return int(client.delete(f"/users/{user}/ratings/10").status_code)
        if number % 5 == 2:
            ratings = [{"movie_id": id_, "liked": True} for id_ in MOVIE_IDS[:8]]
            body: dict[str, Any] = {"ratings": ratings}
            return int(client.post(f"/users/{user}/ratings", json=body).status_code)
        path = f"/users/{user}/ratings/{10 * (1 + number % 3)}"
        # No erasure between the write and the reading of its response: it is one transaction.
        return int(client.put(path, json={"liked": True}).status_code)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(act, range(150))) <= {200, 201, 204}
    with database.read() as connection:
        orphans = "SELECT count(*) FROM ratings WHERE user_id NOT IN (SELECT id FROM users)"
        assert connection.execute(text(orphans)).scalar_one() == 0


def listed(client: TestClient, **options: Any) -> tuple[list[dict[str, Any]], int]:
    """Return all users, page by page, and the revision of the first page."""
    page = client.get("/users", params={"limit": 2, **options}).json()
    items, revision = page["items"], page["ratings_revision"]
    while page["next"] is not None:
        assert len(page["items"]) == 2
        page = client.get("/users", params={"limit": 2, **options, "cursor": page["next"]}).json()
        items += page["items"]
        assert page["ratings_revision"] == revision
    return items, revision


def test_users_are_listed_with_how_much_they_have_rated(client: TestClient, world: World) -> None:
    items, revision = listed(client)
    assert {item["user"]: item["ratings"] for item in items} == {
        user: len(rated) for user, rated in world.ratings.items()
    }
    assert (len(items), revision) == (len(world.ratings), 1)
    assert items[0] == {"user": "1", "imported_from": None, "ratings_revision": 1, "ratings": 4}


def test_a_client_that_asks_since_its_last_list_misses_no_change(client: TestClient) -> None:
    _, revision = listed(client)
    assert listed(client, since=revision) == ([], revision)
    client.put("/users/3/ratings/10", json={"stars": 1})
    client.put("/users/new/ratings/10", json={"stars": 1})
    seen = {"user": "1", "movie_id": 10, "kind": "seen"}
    client.post(
        "/events", json={"events": [seen, {"user": "2", "movie_id": 10, "kind": "clicked"}]}
    )
    items, later = listed(client, since=revision)
    assert [item["user"] for item in items] == ["1", "3", "new"]
    page = client.get("/users", params={"limit": 1, "since": revision}).json()
    client.put("/users/1/ratings/20", json={"stars": 1})  # after it was listed
    rest = client.get("/users", params={"limit": 9, "since": revision, "cursor": page["next"]})
    assert [item["user"] for item in rest.json()["items"]] == ["3", "new"]
    assert rest.json()["ratings_revision"] == later
    assert [item["user"] for item in listed(client, since=later)[0]] == ["1"]


def test_the_list_of_users_refuses_what_is_no_page_of_it(client: TestClient) -> None:
    cursor = client.get("/users?limit=1&since=0").json()["next"]
    for query in (f"cursor={cursor}", "cursor=e30", "since=-1", "limit=1001", "since="):
        assert client.get(f"/users?{query}").status_code == 422, query

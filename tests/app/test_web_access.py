"""What the public page opens to visitors without a key, and what it does not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select, update

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.datasets.service import import_release
from app.db import tables
from app.db.engine import Database
from tests.app.small_releases import LINES, at, make_release
from tests.app.test_keys import bearer
from tests.app.world import MOMENT, World

Request = tuple[str, str, dict[str, Any] | None]
RATINGS = {"ratings": [{"movie_id": 50, "liked": True}]}
MOVIES: list[Request] = [
    ("GET", "/movies", None),
    ("GET", "/movies/search?q=film", None),
    ("GET", "/movies/10", None),
    ("GET", "/movies/10/similar", None),
    ("GET", "/posters?id=10", None),
    ("GET", "/model/features", None),
    ("POST", "/features", RATINGS),
    ("POST", "/recommendations", RATINGS),
]
PUBLIC_USERS: list[Request] = [("GET", "/users/1/public-ratings", None)]
CLOSED: list[Request] = [
    ("GET", "/recommendations/1", None),
    ("POST", "/recommendations/batch", {"users": ["1"]}),
    ("GET", "/users/1/predictions/50", None),
    ("GET", "/users/1/features", None),
    ("GET", "/users/1/ratings", None),
    ("GET", "/users/1/ratings/10", None),
    ("GET", "/users/1", None),
    ("DELETE", "/users/1", None),
    ("PUT", "/users/1/ratings/10", {"liked": True}),
    ("POST", "/users/1/ratings", RATINGS),
    ("POST", "/movies", {"title": "New"}),
    ("PATCH", "/movies/10", {"year": 1999}),
    ("GET", "/models", None),
    ("GET", "/metrics", None),
]
EVERYWHERE = "0.0.0.0"  # noqa: S104


def make_public(world: World, users: list[str], *, is_public: bool = True) -> None:
    """Let these users have come with a data set, and all that they have rated."""
    with world.database.unit_of_work() as connection:
        connection.execute(
            insert(tables.datasets).values(
                name="small", sha256="", imported_at=MOMENT, is_public=is_public
            )
        )
        theirs = tables.users.c.key.in_(users)
        connection.execute(update(tables.users).where(theirs).values(imported_from="small"))
        ids = select(tables.users.c.id).where(theirs)
        connection.execute(
            update(tables.ratings)
            .where(tables.ratings.c.user_id.in_(ids))
            .values(from_release=True)
        )


def answered(client: TestClient, requests: list[Request]) -> set[int]:
    return {client.request(method, path, json=body).status_code for method, path, body in requests}


@pytest.mark.parametrize(
    ("changes", "movies", "users"),
    [
        ({}, True, True),
        ({"public_page": True}, True, True),
        ({"public_page": False}, False, False),
        ({"trusted_proxies": ("10.0.0.1",)}, False, False),
        ({"allowed_hosts": ("films.example",)}, False, False),
        ({"allowed_hosts": ("films.example",), "public_page": True}, True, False),
        ({"host": EVERYWHERE}, False, False),
        ({"host": EVERYWHERE, "public_page": True}, True, False),
        ({"host": EVERYWHERE, "public_page": False}, False, False),
    ],
)
def test_without_a_key_only_what_the_page_needs_is_open_and_only_where_it_is_shown(
    world: World,
    connect_to: Callable[[Settings], TestClient],
    changes: dict[str, Any],
    movies: bool,
    users: bool,
) -> None:
    make_public(world, ["1"])
    create_key(world.database, [Scope.READ], "")
    settings = Settings.model_validate({**world.settings.model_dump(), **changes})
    client = connect_to(settings)
    assert answered(client, MOVIES) == {200 if movies else 401}
    assert answered(client, PUBLIC_USERS) == {200 if users else 401}
    assert answered(client, CLOSED) == {401}
    assert client.get("/").status_code == (200 if movies else 404)
    assert ('id="browse"' in client.get("/").text) == users


def test_a_key_that_may_only_write_sees_what_visitors_see_and_no_more(
    world: World, connect: Callable[[], TestClient]
) -> None:
    key = create_key(world.database, [Scope.WRITE], "")
    client = connect()
    client.headers.update(bearer(key))
    assert answered(client, MOVIES) == {200}
    assert client.get("/recommendations/1").status_code == 403


def test_a_key_that_may_read_sees_public_users_where_the_page_is_not_shown(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    make_public(world, ["1"])
    key = create_key(world.database, [Scope.READ], "")
    client = connect_to(world.settings.model_copy(update={"host": EVERYWHERE}))
    client.headers.update(bearer(key))
    assert answered(client, [*MOVIES, *PUBLIC_USERS]) == {200}


def test_visitors_without_a_key_are_limited_by_their_address(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    create_key(world.database, [Scope.READ], "")
    client = connect_to(world.settings.model_copy(update={"address_rate_limit": 3}))
    statuses = [client.post("/recommendations", json=RATINGS).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_ratings_of_a_public_user_come_with_titles(client: TestClient, world: World) -> None:
    make_public(world, ["2"])
    answer = client.get("/users/2/public-ratings").json()
    assert (answer["user"], answer["dataset"]) == ("2", "small")
    assert {item["movie_id"]: item["liked"] for item in answer["items"]} == world.ratings["2"]
    first = answer["items"][0]
    assert (first["title"], first["genres"]) == (f"Movie {first['movie_id']}", ["Drama"])


def test_what_a_public_user_rated_through_the_service_is_not_shown(
    client: TestClient, world: World
) -> None:
    make_public(world, ["2"])
    movie_id = min(world.unseen("2"))
    assert client.put(f"/users/2/ratings/{movie_id}", json={"liked": True}).status_code == 201
    shown = client.get("/users/2/public-ratings").json()["items"]
    assert movie_id not in {item["movie_id"] for item in shown}
    assert shown


@pytest.mark.parametrize("name", ["small", "other"])
def test_what_was_rated_through_the_service_is_not_shown_after_a_replacement_either(
    client: TestClient, database: Database, name: str
) -> None:
    release = replace(make_release(), is_public=True)
    import_release(database, release)
    assert shown_movies(client, "7") == {1, 2}
    for movie_id in (2, 4):  # one of the release, and one of their own
        client.put(f"/users/7/ratings/{movie_id}", json={"stars": 2.5})
    assert shown_movies(client, "7") == {1}
    with database.unit_of_work() as connection:  # as if given long ago
        connection.execute(
            update(tables.ratings).where(tables.ratings.c.movie_id == 4).values(rated_at=at(1))
        )
    newer = replace(make_release([*LINES[:3], (7, 3, 5.0, 1004)], name=name), is_public=True)
    import_release(database, newer, replace=True)
    assert shown_movies(client, "7") == {1, 3}
    assert client.get("/users/7/public-ratings").json()["dataset"] == name
    import_release(database, make_release(name="ours"), replace=True)
    assert client.get("/users/7/public-ratings").status_code == 404


def shown_movies(client: TestClient, user: str) -> set[int]:
    items = client.get(f"/users/{user}/public-ratings").json()["items"]
    return {item["movie_id"] for item in items}


@pytest.mark.parametrize("user", ["1", "nobody"])
def test_nobody_else_is_found(client: TestClient, world: World, user: str) -> None:
    make_public(world, ["2"])
    response = client.get(f"/users/{user}/public-ratings")
    assert (response.status_code, response.json()["error"]) == (404, "UserNotFound")


def test_users_of_a_data_set_of_ones_own_are_not_shown(client: TestClient, world: World) -> None:
    make_public(world, ["2"], is_public=False)
    assert client.get("/users/2/public-ratings").status_code == 404
    assert 'id="browse"' not in client.get("/").text

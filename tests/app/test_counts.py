"""Likes are counted by one worker for all: the same order of popular movies everywhere."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, delete, update
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.datasets.service import import_release
from app.db.engine import Database
from app.db.tables import shared_counts
from app.live import counts, model_reloader
from app.live.counts import Basis, Counts, Generation, count_ratings
from app.live.model_reloader import ModelReloader
from app.movies import repository as movies
from app.ratings.schemas import RatingRequest
from app.ratings.service import RatingService
from app.store.folder import ModelStore
from tests.app.small_releases import Line, make_release
from tests.app.test_model_reloader import wait_for
from tests.app.world import World, add_movies

# A release with the movies of the small world, whose users all like its first one.
RELEASED = {10 * i: f"Movie {10 * i}" for i in range(1, 41)}
LINES: list[Line] = [(f"new-{user}", 10, 5.0, 1000) for user in range(5)]

PAGES = [
    "/recommendations/nobody?limit=7",
    "/recommendations/1?limit=100",  # ends with movies that the model does not know
    "/recommendations/nobody?min_ratings=2&limit=5",
    "/movies?sort=popular&limit=6",
]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count at every poll after a change of ratings, and poll only in the test."""
    monkeypatch.setattr(model_reloader, "RECOUNT_S", 0)
    monkeypatch.setattr(model_reloader, "RECOUNT_SHARE", 0)
    monkeypatch.setattr(model_reloader, "POLL_S", 3600)


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look only in the test."""
    monkeypatch.setattr(model_reloader, "POLL_S", 3600)


def server_of(client: TestClient) -> ModelReloader:
    server: ModelReloader = client.app.state.services.find(ModelReloader)  # type: ignore[attr-defined]
    return server


def make_server(world: World, like_threshold: float = 4.0) -> ModelReloader:
    return ModelReloader(world.database, ModelStore(world.settings.models_dir), like_threshold)


def shared(database: Database) -> Generation | None:
    with database.read() as connection:
        return counts.find_generation(connection)


def name_of(database: Database) -> str:
    generation = shared(database)
    assert generation is not None
    return generation.name


def like(client: TestClient, movie_id: int, *users: str) -> None:
    for user in users:
        client.put(f"/users/{user}/ratings/{movie_id}", json={"liked": True})


def likes_of(server: ModelReloader, movie_id: int) -> int:
    catalogue = server.current.snapshot.catalogue
    return int(catalogue.likes[catalogue.movie_ids.tolist().index(movie_id)])


def rate(database: Database, user: str, movie_id: int) -> None:
    RatingService(database, 4.0).put(user, movie_id, RatingRequest(liked=True))


def likes_in(database: Database, movie_id: int) -> int:
    with database.read() as connection:
        rows = count_ratings(connection, 4.0)
    return {row[0]: int(row[1]) for row in rows}.get(movie_id, 0)


def put_begin(database: Database, ago: timedelta) -> None:
    """Move the begin of the last counting into the past, or into the future."""
    with database.unit_of_work() as connection:
        begun_at = datetime.now(UTC) - ago
        connection.execute(update(shared_counts).values(begun_at=begun_at))


@pytest.mark.usefixtures("at_once")
def test_what_one_worker_has_counted_another_one_serves_to_the_byte(
    world: World,
    connect: Callable[[], TestClient],
) -> None:
    one, other = connect(), connect()
    server_of(one).refresh()
    server_of(other).refresh()
    for number, movie_id in enumerate((400, 390, 400, 20)):
        like(one, movie_id, *(f"{number}-{user}" for user in range(6)))
        before = name_of(world.database)
        server_of(one).refresh()
        server_of(other).poll()
        assert name_of(world.database) != before
        for path in PAGES:
            assert walk_both(one, other, path) >= 2 or path == PAGES[1]


def walk_both(one: TestClient, other: TestClient, path: str) -> int:
    """Read pages to the end, each at both; every cursor comes from the other than it goes to."""
    cursor, n_pages = "", 0
    while True:
        at = f"{path}&cursor={cursor}" if cursor else path
        here, there = one.get(at), other.get(at)
        assert (here.status_code, here.content) == (200, there.content)
        n_pages += 1
        following = here.json()["next"]
        if following is None:
            return n_pages
        cursor, one, other = following, other, one


@pytest.mark.usefixtures("at_once")
def test_a_worker_that_has_not_counted_keeps_the_order_that_it_shares(
    world: World, connect: Callable[[], TestClient]
) -> None:
    """Ratings alone change no order: only another generation does, at every worker the same."""
    one = connect()
    server_of(one).refresh()
    like(one, 400, *"abcdefgh")
    late = connect()  # starts after ratings that are not counted yet
    for path in PAGES:
        walk_both(one, late, path)
    assert (
        server_of(late).current.snapshot.popular_state
        == server_of(one).current.snapshot.popular_state
    )
    assert likes_of(server_of(late), 400) == sum(
        opinions.get(400, False) for opinions in world.ratings.values()
    )


@pytest.mark.usefixtures("seldom")
def test_a_movie_that_comes_back_has_its_counts_at_every_worker(world: World) -> None:
    """Also where the movies were read without it in between."""
    steady = make_server(world)
    steady.refresh()
    held = steady.current.snapshot.catalogue
    more = dataclasses.replace(
        held.counts,
        movie_ids=np.append(held.counts.movie_ids, 999),
        likes=np.append(held.counts.likes, 50),
        ratings=np.append(held.counts.ratings, 60),
    )
    assert share_after_claim(world.database, more)
    steady.poll()
    add_movies(world.database, [999])
    with world.database.unit_of_work() as connection:
        movies.next_revision(connection)
    steady.poll()
    newcomer = make_server(world)
    newcomer.poll()
    assert likes_of(steady, 999) == likes_of(newcomer, 999) == 50
    assert steady.current.snapshot.popular_state == newcomer.current.snapshot.popular_state


def share_after_claim(database: Database, counted: Counts) -> bool:
    seen = shared(database)
    assert seen is not None
    with database.unit_of_work() as connection:
        assert counts.claim(connection, seen, "another")
    with database.unit_of_work() as connection:
        return counts.replace(connection, counted, "another")


def test_ratings_are_counted_once_a_period_and_by_one_worker(
    world: World, connect: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_reloader, "POLL_S", 3600)
    clients = [connect() for _ in range(3)]
    servers = [server_of(client) for client in clients]
    for server in servers:
        server.refresh()
    first = name_of(world.database)
    like(clients[0], 400, *"abc")
    for server in servers:
        server.refresh()
    assert name_of(world.database) == first  # the period has not passed
    put_begin(world.database, timedelta(hours=1))
    counted: list[int] = []
    count = counts.count

    def record(*arguments: Any) -> Any:
        counted.append(1)
        return count(*arguments)

    monkeypatch.setattr(counts, "count", record)
    for server in servers:
        server.refresh()
    assert counted == [1]
    assert name_of(world.database) != first
    assert len({server.current.snapshot.popular_state for server in servers}) == 1
    for server in servers:
        server.refresh()
    assert counted == [1]  # nothing has changed


def test_of_two_who_begin_to_count_one_does(world: World) -> None:
    make_server(world).refresh()
    seen = shared(world.database)
    assert seen is not None
    with world.database.unit_of_work() as connection:
        assert counts.claim(connection, seen, "one")
    with world.database.unit_of_work() as connection:
        assert not counts.claim(connection, seen, "other")


def test_a_worker_that_was_overtaken_while_counting_stores_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One counts for so long that another one begins, and ends, before."""
    monkeypatch.setattr(model_reloader, "RECOUNT_S", 0)
    monkeypatch.setattr(model_reloader, "RECOUNT_SHARE", 0)
    slow, quick = make_server(world), make_server(world)
    slow.refresh()
    quick.refresh()
    rate(world.database, "a", 400)
    slow.poll()
    count = counts.count
    overtaken: list[Counts] = []

    def count_slowly(connection: Connection, basis: Basis) -> Counts:
        counted = count(connection, basis)
        if not overtaken:
            overtaken.append(counted)
            rate(world.database, "b", 400)
            quick.refresh()
        return counted

    monkeypatch.setattr(counts, "count", count_slowly)
    slow.recount()
    assert overtaken
    newest = name_of(world.database)
    assert quick.current.snapshot.catalogue.counts.generation == newest
    assert slow.current.snapshot.catalogue.counts.generation == newest
    assert likes_of(slow, 400) == int(overtaken[0].likes[-1]) + 1


def test_of_two_first_counts_one_is_shared(world: World) -> None:
    one, other = make_server(world), make_server(world)
    one.poll()
    other.poll()
    assert one.current.snapshot.catalogue.counts.generation is None
    one.recount()
    other.recount()
    name = name_of(world.database)
    for server in (one, other):
        assert server.current.snapshot.catalogue.counts.generation == name


def test_a_worker_that_begins_to_count_and_dies_is_replaced_after_a_period(world: World) -> None:
    server = make_server(world)
    server.refresh()
    first = shared(world.database)
    assert first is not None
    rate(world.database, "a", 400)
    with world.database.unit_of_work() as connection:
        counts.claim(connection, first, "dies")
    server.refresh()
    assert name_of(world.database) == first.name
    put_begin(world.database, timedelta(hours=1))
    server.refresh()
    assert name_of(world.database) != first.name


def test_a_clock_that_was_set_back_does_not_delay_counting(world: World) -> None:
    server = make_server(world)
    server.refresh()
    first = name_of(world.database)
    rate(world.database, "a", 400)
    put_begin(world.database, timedelta(days=-1))
    server.refresh()
    assert name_of(world.database) != first


def test_the_ratings_of_another_release_count_at_once(
    world: World, connect: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_reloader, "POLL_S", 0.02)
    one, other = connect(), connect()
    wait_for(lambda: shared(world.database) is not None)
    before = likes_in(world.database, 10)
    import_release(world.database, make_release(LINES, RELEASED, year=None))
    assert likes_in(world.database, 10) == before + 5
    for server in (server_of(one), server_of(other)):
        wait_for(lambda server=server: likes_of(server, 10) == before + 5)  # type: ignore[misc]
    assert one.get(PAGES[3]).content == other.get(PAGES[3]).content


def test_counts_of_another_release_are_not_taken_over_by_a_worker_that_begins(
    world: World,
) -> None:
    make_server(world).refresh()
    import_release(world.database, make_release(LINES, RELEASED, year=None))
    newcomer = make_server(world)
    newcomer.poll()
    assert newcomer.current.snapshot.catalogue.counts.generation is None
    assert likes_of(newcomer, 10) == likes_in(world.database, 10)


def test_another_threshold_is_counted_at_once_and_no_worker_takes_over_that_of_another(
    world: World,
) -> None:
    before, after = make_server(world, 4.0), make_server(world, 2.0)
    before.refresh()
    likes = before.current.snapshot.catalogue.likes.sum()
    after.refresh()
    generation = shared(world.database)
    assert generation is not None
    assert generation.basis.like_threshold == 2.0
    assert after.current.snapshot.catalogue.counts.generation == generation.name
    before.poll()
    assert (
        before.current.snapshot.catalogue.likes.sum()
        == likes
        < after.current.snapshot.catalogue.likes.sum()
    )
    # While both run, they do not count against each other at every look.
    before.refresh()
    after.refresh()
    assert name_of(world.database) == generation.name


def test_a_database_that_is_away_when_counts_are_to_be_stored_changes_nothing(
    world: World, connect: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_reloader, "POLL_S", 3600)
    client = connect()
    server = server_of(client)
    server.refresh()
    like(client, 400, *"abc")
    put_begin(world.database, timedelta(hours=1))
    before = [client.get(path).content for path in PAGES]
    name = name_of(world.database)

    def fail(*_: object) -> bool:
        raise OperationalError("UPDATE", {}, Exception("away"))

    with monkeypatch.context() as patch:
        patch.setattr(counts, "replace", fail)
        server.poll()
        with pytest.raises(OperationalError):
            server.recount()
        server.poll()
    assert [client.get(path).content for path in PAGES] == before
    assert name_of(world.database) == name
    put_begin(world.database, timedelta(hours=1))
    server.refresh()
    assert name_of(world.database) != name


def test_a_worker_that_cannot_store_its_first_counts_serves_them_all_the_same(
    world: World, connect: Callable[[], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise OperationalError("INSERT", {}, Exception("read only"))

    monkeypatch.setattr(model_reloader, "POLL_S", 0.02)
    monkeypatch.setattr(counts, "add", fail)
    client = connect()
    best = client.get("/movies?sort=popular&limit=1").json()["items"][0]
    assert best["likes"] == likes_in(world.database, best["movie_id"]) > 0
    assert shared(world.database) is None


def test_counts_that_a_restore_has_removed_are_made_again(world: World) -> None:
    server = make_server(world)
    server.refresh()
    popular = server.current.snapshot.popular_state
    with world.database.unit_of_work() as connection:
        connection.execute(delete(shared_counts))
    late = make_server(world)
    late.refresh()
    server.poll()
    assert server.current.snapshot.catalogue.counts.generation == name_of(world.database)
    assert server.current.snapshot.popular_state == late.current.snapshot.popular_state == popular


def test_counts_are_the_same_after_they_were_stored(world: World) -> None:
    server = make_server(world)
    server.poll()
    own = server.current.snapshot.catalogue
    server.recount()
    kept = server.current.snapshot.catalogue
    assert (own.likes == kept.likes).all()
    assert (own.ratings == kept.ratings).all()
    assert own.counts.n_users == kept.counts.n_users == len(world.ratings)
    assert own.counts.basis == kept.counts.basis


@pytest.mark.usefixtures("seldom")
def test_an_empty_database_is_counted_too(database: Database, settings: Settings) -> None:
    server = ModelReloader(database, ModelStore(settings.models_dir), 4.0)
    server.refresh()
    server.poll()
    assert server.current.snapshot.catalogue.counts.generation == name_of(database)
    assert len(server.current.snapshot.popular) == 0

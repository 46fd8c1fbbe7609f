"""GET /recommendations/{user}: filters, and the walk over all pages with them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from app.db.tables import movies
from tests.app.paging import ALL_USERS, ids, walk
from tests.app.world import MOVIE_IDS, World

GENRES = ["Comedy", "Drama", "Crime", "Film-Noir"]


def genres_of(movie_id: int) -> list[str]:
    """Two, one or no genre."""
    return sorted({GENRES[movie_id // 10 % 4], GENRES[movie_id // 30 % 4]}) if movie_id % 70 else []


def year_of(movie_id: int) -> int | None:
    return 1950 + movie_id // 10 if movie_id % 90 else None


@pytest.fixture
def client(world: World, connect: Callable[[], TestClient]) -> TestClient:
    """A service whose movies differ in genres and years."""
    with world.database.unit_of_work() as connection:
        for movie_id in MOVIE_IDS:
            values = {"genres": genres_of(movie_id), "year": year_of(movie_id)}
            connection.execute(update(movies).where(movies.c.id == movie_id).values(values))
    return connect()


def passing(world: World, user: str, options: dict[str, Any]) -> set[int]:
    """Movies that pass, one condition after the other as the documentation has it."""
    ratings = {id_: sum(id_ in rated for rated in world.ratings.values()) for id_ in MOVIE_IDS}
    wanted = {name.lower() for name in options.get("genre", GENRES)} - {"western"}
    unwanted = {name.lower() for name in options.get("exclude_genre", [])}

    def passes(movie_id: int) -> bool:
        genres = {name.lower() for name in genres_of(movie_id)}
        year = year_of(movie_id)
        if "year_from" in options and (year is None or year < options["year_from"]):
            return False
        if "year_to" in options and (year is None or year > options["year_to"]):
            return False
        return (
            ("genre" not in options or not wanted or bool(genres & wanted))
            and not genres & unwanted
            and movie_id not in options.get("exclude", [])
            and ratings[movie_id] >= options.get("min_ratings", 0)
        )

    return {movie_id for movie_id in world.unseen(user) if passes(movie_id)}


def draw_options(generator: np.random.Generator) -> dict[str, Any]:
    """Draw each parameter with probability one third."""

    def genres() -> list[str]:
        names = generator.choice([*GENRES, "drama", "Western"], generator.integers(1, 3))
        return [str(name) for name in names]

    possible: dict[str, Callable[[], Any]] = {
        "genre": genres,
        "exclude_genre": genres,
        "year_from": lambda: int(generator.integers(1945, 1995)),
        "year_to": lambda: int(generator.integers(1945, 1995)),
        "exclude": lambda: generator.choice(MOVIE_IDS, generator.integers(1, 15)).tolist(),
        "min_ratings": lambda: int(generator.integers(0, 5)),
        "diversity": lambda: float(generator.integers(0, 11)) / 10,
        "mode": lambda: "sample",
    }
    return {name: draw() for name, draw in possible.items() if generator.random() < 1 / 3}


def test_a_walk_over_all_pages_with_any_filters_gives_every_movie_that_passes_once(
    client: TestClient, world: World
) -> None:
    generator = np.random.default_rng(5)
    for round_ in range(50):
        user = ALL_USERS[round_ % len(ALL_USERS)]
        options = draw_options(generator)
        found = ids(walk(client, user, int(generator.integers(1, 12)), **options))
        assert len(found) == len(set(found)), (user, options)
        assert set(found) == passing(world, user, options), (user, options)


def test_filters_leave_the_order_and_the_scores_as_they_are(client: TestClient) -> None:
    whole = walk(client, "3", 100)
    options = {"genre": ["comedy", "Crime"], "year_from": 1960}
    kept = walk(client, "3", 4, **options)
    assert 0 < len(kept) < len(whole)
    assert kept == [item for item in whole if item["movie_id"] in ids(kept)]


def test_a_filtered_page_is_as_long_as_asked_for_while_movies_are_left(client: TestClient) -> None:
    whole = ids(walk(client, "1", 100))
    options: dict[str, Any] = {"exclude": whole[:20], "limit": 10}
    answer = client.get("/recommendations/1", params=options).json()
    assert ids(answer["items"]) == whole[20:30]


@pytest.mark.parametrize(
    "changed",
    [
        {"genre": "Drama"},
        {"genre": ["Comedy", "Drama"]},
        {"genre": "Comedy", "exclude_genre": "Crime"},
        {"genre": "Comedy", "year_to": 2000},
        {"genre": "Comedy", "exclude": 380},
        {"genre": "Comedy", "min_ratings": 1},
        {"genre": "Comedy", "diversity": 0.5},
        {"genre": "Comedy", "mode": "sample"},
        {},
    ],
)
def test_a_cursor_is_refused_with_other_options(
    client: TestClient, changed: dict[str, Any]
) -> None:
    first = client.get("/recommendations/1", params={"genre": "Comedy", "limit": 1}).json()
    cursor = first["next"]
    response = client.get("/recommendations/1", params={**changed, "cursor": cursor})
    assert response.status_code == 422
    assert response.json()["fields"][0]["location"] == ["query", "cursor"]


def test_a_cursor_is_good_with_the_same_options_in_another_order(client: TestClient) -> None:
    first = client.get("/recommendations/1?genre=Crime&genre=Comedy&exclude=7&exclude=9&limit=1")
    cursor = first.json()["next"]
    again = f"/recommendations/1?exclude=9&exclude=7&genre=Comedy&genre=Crime&cursor={cursor}"
    assert client.get(again).status_code == 200


def test_a_filter_that_nothing_passes_gives_an_empty_list(client: TestClient) -> None:
    answer = client.get("/recommendations/1?year_from=2000&year_to=1990").json()
    assert (answer["items"], answer["next"], answer["source"]) == ([], None, "rbm")


def test_genres_that_no_movie_has_are_named_and_ignored(client: TestClient) -> None:
    def get(query: str, user: str = "1") -> Any:
        return client.get(f"/recommendations/{user}?limit=100&{query}").json()

    for user in ("1", "nobody"):
        some = get("genre=comedy&genre=Western&exclude_genre=Opera&exclude_genre=Crime", user)
        assert some.pop("ignored_genres") == ["Western", "Opera"]
        assert some["items"] == get("genre=comedy&exclude_genre=Crime", user)["items"]
        none = get("genre=Western&genre=western", user)
        assert none.pop("ignored_genres") == ["Western", "western"]
        assert none["items"] == get("", user)["items"]
        assert "ignored_genres" not in get("genre=comedy", user)
    body = {"ratings": [{"movie_id": 10, "liked": True}], "genre": ["Western"], "limit": 1}
    assert client.post("/recommendations", json=body).json()["ignored_genres"] == ["Western"]
    batch = {"users": ["1", "2"], "genre": ["Western"], "limit": 1}
    lists = client.post("/recommendations/batch", json=batch).json()["items"]
    assert [each["ignored_genres"] for each in lists] == [["Western"], ["Western"]]
    for path in ("/movies/10/similar", "/movies"):
        some = client.get(path, params={"genre": ["Western", "Drama"]}).json()
        assert some.pop("ignored_genres") == ["Western"]
        assert some["items"] == client.get(f"{path}?genre=Drama").json()["items"]

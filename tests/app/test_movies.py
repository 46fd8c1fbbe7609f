"""GET /movies/{id}."""

from fastapi.testclient import TestClient
from sqlalchemy import insert

from app.db.engine import Database
from app.db.tables import movies


def test_a_movie_is_shown_with_all_that_is_known_of_it(
    empty_client: TestClient, database: Database
) -> None:
    with database.unit_of_work() as connection:
        connection.execute(
            insert(movies).values(
                id=2959, title="Fight Club", year=1999, genres=["Action", "Crime"],
                imdb_id=137523, tmdb_id=550, attributes={"n": 1},
            )
        )  # fmt: skip
    response = empty_client.get("/movies/2959")
    assert response.status_code == 200
    assert response.json() == {
        "movie_id": 2959, "title": "Fight Club", "year": 1999, "genres": ["Action", "Crime"],
        "imdb_id": 137523, "tmdb_id": 550, "attributes": {"n": 1},
    }  # fmt: skip


def test_what_is_not_known_of_a_movie_is_null(empty_client: TestClient, database: Database) -> None:
    largest = 2**31 - 1
    with database.unit_of_work() as connection:
        connection.execute(insert(movies).values(id=largest, title="“日本” — Ünïcödé", genres=[]))
    assert empty_client.get(f"/movies/{largest}").json() == {
        "movie_id": largest, "title": "“日本” — Ünïcödé", "year": None, "genres": [],
        "imdb_id": None, "tmdb_id": None, "attributes": {},
    }  # fmt: skip


def test_an_unknown_movie_is_not_found(empty_client: TestClient) -> None:
    response = empty_client.get("/movies/999999")
    assert response.status_code == 404
    assert response.json() == {
        "error": "MovieNotFound", "detail": "There is no movie 999999.", "movie_id": 999999,
    }  # fmt: skip

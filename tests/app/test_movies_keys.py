"""Movies and users with any keys: the same answers as with numbers, up to the keys."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert

from app.config import Settings
from app.db.engine import Database
from app.db.tables import movies
from app.http.identifiers import NO_TEXT, SLASH, decoded
from app.main import create_app
from app.movies import service as movie_service
from data.movie_keys import MovieKey, movie_id, stored_key
from tests.app.world import (
    MODEL_MOVIE_IDS,
    MOVIE_IDS,
    add_ratings,
    draw_ratings,
    make_rbm,
    publish,
)

SPECIAL = [
    "жук",
    "a/b",
    "50% off",
    "sku 18",
    "007",
    "🎬👩‍🚀",
    "k" * 200,
    "🎬" * 200,
    "a.b",
    "../x",
    "%2F",
]
NUMBERS = [*MOVIE_IDS, *MODEL_MOVIE_IDS[:1], 999, 1000]
# Where movies are tied the order of the ids decides: that of these texts is that of the numbers.
TEXTS: list[MovieKey] = sorted(
    [*SPECIAL, *(f"sku-{i}" for i in range(len(NUMBERS) - len(SPECIAL)))], key=movie_id
)
KEY_OF = dict(zip(sorted(NUMBERS), TEXTS, strict=True))
USERS = {"1": "жук", "2": "a/b", "3": "50% off", "4": "bob smith", "5": "🎬" * 128, "6": "?#&+"}

Keys = dict[int, MovieKey]
Answers = list[tuple[str, int, Any]]


def fill_world(database: Database, models_dir: Path, keys: Keys, users: dict[str, str]) -> None:
    """Fill a database with the small world, its movies and users under these keys."""
    with database.unit_of_work() as connection:
        rows = [
            {
                "id": movie_id(keys[n]),
                "key": stored_key(keys[n]),
                "title": f"Movie {n}",
                "year": 1950 + n % 70,
                "genres": ["Drama"],
            }
            for n in MOVIE_IDS
        ]
        connection.execute(insert(movies), rows)
    rated = {
        users.get(user, user): {movie_id(keys[n]): rating for n, rating in of_user.items()}
        for user, of_user in draw_ratings().items()
    }
    add_ratings(database, rated)
    ids = [movie_id(keys[n]) for n in MODEL_MOVIE_IDS]
    publish(database, models_dir, "v1", make_rbm(seed=1, movie_ids=ids))


class Walker:
    """Sends requests to every route, and notes the answers with keys replaced by numbers."""

    def __init__(self, client: TestClient, keys: Keys, users: dict[str, str]) -> None:
        self.client, self.keys, self.users = client, keys, users
        self.number = {key: n for n, key in keys.items()}
        self.name = {key: user for user, key in users.items()}
        self.answers: Answers = []

    def ask(self, method: str, path: str, **options: Any) -> Any:
        response = self.client.request(method, path, **options)
        body = response.json() if response.content else None
        self.answers.append((method, response.status_code, self.plain(body)))
        return body

    def plain(self, value: Any, field: str = "") -> Any:
        """Name movies and users by their numbers, and leave out what has to differ."""
        if isinstance(value, dict):
            left_out = {"next", "rated_at", "detail", "recommendation_id"}
            return {name: self.plain(v, name) for name, v in value.items() if name not in left_out}
        if isinstance(value, list):
            return [self.plain(part, field) for part in value]
        if field in {"movie_id", "ignored"}:
            return self.number[value]
        return self.name.get(value, value) if field == "user" else value

    def pages(self, path: str, **params: Any) -> None:
        cursor = ""
        while cursor is not None:
            asked = {**params, "limit": 15, "cursor": cursor}
            cursor = self.ask("GET", path, params=asked)["next"]

    def movie(self, n: int) -> str:
        return quote(str(self.keys[n]), safe="")

    def user(self, user: str) -> str:
        return quote(self.users.get(user, user), safe="")

    def rated(self, *numbers: int) -> dict[str, Any]:
        return {"ratings": [{"movie_id": self.keys[n], "liked": n % 20 == 0} for n in numbers]}

    def of_users(self) -> None:
        excluded = {"exclude": [self.keys[10], self.keys[30]], "diversity": 0.5}
        for user in map(self.user, ("1", "4", "6", "newcomer", "avant-garde")):
            self.pages(f"/recommendations/{user}")
            self.ask("GET", f"/recommendations/{user}", params=excluded)
            self.ask("GET", f"/users/{user}/features")
            self.ask("GET", f"/users/{user}")
            self.pages(f"/users/{user}/ratings")
            for n in (10, 400, 7):
                self.ask("GET", f"/users/{user}/predictions/{self.movie(n)}")
        users = [self.users["1"], self.users["2"], "nobody"]
        self.ask("POST", "/recommendations/batch", json={"users": users})

    def of_movies(self) -> None:
        body = self.rated(10, 20, 30, 7, 999)
        self.ask("POST", "/recommendations", json={**body, "exclude": [self.keys[40]]})
        towards = [self.keys[n] for n in (50, 60, 400)]
        self.ask("POST", "/features", json={**self.rated(10, 20, 7), "towards": towards})
        self.ask("GET", "/model/features")
        for sort in ("popular", "title", "newest"):
            self.pages("/movies", sort=sort)
        self.ask("GET", "/movies", params={"id": [self.keys[n] for n in (10, 400, 999)]})
        self.ask("GET", "/movies/search", params={"q": "Movie 30"})
        for n in (n for n in MOVIE_IDS if KEY_OF[n] in SPECIAL):
            path, asked = f"/movies/{self.movie(n)}", {"limit": 5, "exclude": self.keys[20]}
            self.ask("GET", path)
            self.ask("HEAD", path)
            self.ask("GET", f"{path}/similar", params=asked)

    def changes(self) -> None:
        user, new = f"/users/{self.user('2')}", self.movie(999)
        self.ask("PUT", f"{user}/ratings/{new}", json={"liked": True})  # no such movie
        self.ask("PUT", f"/movies/{new}", json={"title": "New", "attributes": {"price": 5}})
        self.ask("PATCH", f"/movies/{new}", json={"year": 2020})
        self.ask("PUT", f"/movies/{new}", json={"title": "Newer"})
        self.ask("POST", "/movies", json={"key": self.keys[999], "title": "Again"})
        self.ask("POST", "/movies", json={"key": self.keys[1000], "title": "Another"})
        self.ask("PUT", f"{user}/ratings/{new}", json={"stars": 4.5})
        self.ask("GET", f"{user}/ratings/{new}")
        bulk, sent_again = self.rated(10, 999, 7, 1000, 10), {"Idempotency-Key": "once"}
        for _ in range(2):
            self.ask("POST", f"{user}/ratings", json=bulk, headers=sent_again)
        self.ask("DELETE", f"{user}/ratings/{new}")
        self.ask("GET", f"{user}/ratings/{new}")
        self.pages(f"/recommendations/{self.user('2')}")
        self.ask("DELETE", user)
        self.ask("GET", user)
        for n in (10, 1000):  # the second one nobody has rated
            self.ask("DELETE", f"/movies/{self.movie(n)}")
            self.ask("GET", f"/movies/{self.movie(n)}")
        self.ask("GET", "/movies/trending?window=30d&limit=100")


def walk(client: TestClient, keys: Keys, users: dict[str, str]) -> Answers:
    """Send requests about the same movies and users to every route."""
    walker = Walker(client, keys, users)
    walker.of_users()
    walker.of_movies()
    walker.changes()
    return walker.answers


@pytest.fixture(scope="module")
def answers_about_numbers(
    tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path
) -> Answers:
    """Give the answers in a world of numbers."""
    folder = tmp_path_factory.mktemp("numbers")
    shutil.copyfile(migrated_sqlite_file, folder / "recommender.db")
    url, models_dir = f"sqlite:///{folder / 'recommender.db'}", folder / "models"
    keys: Keys = {n: n for n in NUMBERS}
    users = {user: user for user in USERS}
    database = Database(url)
    fill_world(database, models_dir, keys, users)
    database.dispose()
    app = create_app(Settings(database_url=url, models_dir=models_dir))
    with TestClient(app, base_url="http://127.0.0.1:8000") as client:
        return walk(client, keys, users)


def test_every_route_answers_the_same_for_text_keys_as_for_numbers(
    database: Database,
    settings: Settings,
    connect: Callable[[], TestClient],
    answers_about_numbers: Answers,
) -> None:
    fill_world(database, settings.models_dir, KEY_OF, USERS)
    answers = walk(connect(), KEY_OF, USERS)
    assert len(answers) == len(answers_about_numbers)
    for one, other in zip(answers, answers_about_numbers, strict=True):
        assert one == other


def test_a_key_is_shown_as_it_was_sent_and_a_number_as_a_number(client: TestClient) -> None:
    for key, shown in [("7", 7), ("007", "007"), ("4.0", "4.0"), ("2147483648", "2147483648")]:
        stored = client.put(f"/movies/{key}", json={"title": "Seven"}).json()
        assert stored["movie_id"] == shown
        assert client.post("/movies", json={"key": shown, "title": "Again"}).status_code == 409
    for sent in (10, 10.0, "10"):
        rated = {"ratings": [{"movie_id": sent, "liked": True}]}
        (result,) = client.post("/users/u/ratings", json=rated).json()["items"]
        assert result["rating"]["movie_id"] == 10
    assert client.get("/movies/sku-18").json()["detail"] == "There is no movie sku-18."
    found = client.get("/movies", params={"id": ["007", "10"], "sort": "title"}).json()["items"]
    assert [movie["movie_id"] for movie in found] == [10, "007"]


@pytest.mark.parametrize(
    "path",
    ["/movies/trending/similar", "/movies/%20x", "/movies/%0A", "/movies/%FF",
     "/movies/a%EF%B7%90b",
     "/movies/" + "x" * 201, "/users/%FF/ratings", "/users/%EF%B7%91/ratings",
     "/users/a%00/ratings"],
)  # fmt: skip
def test_what_is_no_key_is_refused_in_one_clear_line(lone_client: TestClient, path: str) -> None:
    response = lone_client.get(path)
    assert response.status_code == 422
    (field,) = response.json()["fields"]
    assert field["location"][0] == "path"
    assert re.fullmatch(r"(this|'.*') is no (movie|user) key \(.*\)", field["message"])


@pytest.mark.parametrize("sent", [None, True, 0, -1, 1.5, 2**31, [], {}, "", "..", "search"])
def test_what_is_no_key_in_a_body_is_one_error(lone_client: TestClient, sent: object) -> None:
    body = {"ratings": [{"movie_id": sent, "liked": True}]}
    (field,) = lone_client.post("/users/u/ratings", json=body).json()["fields"]
    assert field["location"] == ["body", "ratings", 0, "movie_id"]
    assert "is no movie key" in field["message"]


def test_two_keys_of_one_hash_are_never_mixed(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.put("/movies/one", json={"title": "One"}).status_code == 201
    monkeypatch.setattr(movie_service, "movie_id", lambda _: movie_id("one"))
    for refused in (
        client.put("/movies/other", json={"title": "Other"}),
        client.post("/movies", json={"key": "other", "title": "Other"}),
    ):
        assert refused.status_code == 409
        assert refused.json()["error"] == "MovieKeyRefused"
    assert client.patch("/movies/other", json={"title": "Other"}).status_code == 404
    assert client.get("/movies/other").status_code == 404
    monkeypatch.undo()
    assert client.get("/movies/one").json()["title"] == "One"


def test_an_encoded_slash_separates_nothing() -> None:
    assert decoded(b"/users/a%2Fb/ratings/x%2fy") == f"/users/a{SLASH}b/ratings/x{SLASH}y"
    assert decoded("/users/жук%25".replace("жук", quote("жук")).encode()) == "/users/жук%"
    assert decoded(b"/users/%FF%EF%B7%90") == f"/users/{NO_TEXT}{NO_TEXT}"

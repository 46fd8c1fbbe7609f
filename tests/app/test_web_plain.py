"""The page without scripts: one form, whose address holds the ratings."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from app.db.engine import Database
from app.live.model_reloader import ModelReloader
from app.live.snapshot import CurrentSnapshot
from app.web.plain import MAX_RATINGS, PlainForm


def fail() -> None:
    raise OperationalError("SELECT 1", None, OSError("away"))


def plain(client: TestClient, query: str = "") -> str:
    response = client.get(f"/?{query}")
    assert response.status_code == 200, response.text
    return response.text.split("<noscript>")[2].split("</noscript>")[0]


def titles(page: str, heading: str) -> list[str]:
    part = page.split(f"<h2>{heading}</h2>")[1].split("<h2>", maxsplit=1)[0]
    return [unescape(title) for title in re.findall(r"<h3><bdi>(.*?)</bdi>", part)]


def test_the_form_recommends_what_the_api_recommends(client: TestClient) -> None:
    page = plain(client, "like=50&dislike=60")
    ratings = [{"movie_id": 50, "liked": True}, {"movie_id": 60, "liked": False}]
    answer = client.post("/recommendations", json={"ratings": ratings, "limit": 10}).json()
    assert titles(page, "What you might like") == [movie["title"] for movie in answer["items"]]
    assert titles(page, "What you think") == ["Movie 60", "Movie 50"]
    assert "Because you liked <bdi>Movie 50</bdi>" in page


def test_without_ratings_popular_movies_are_shown(client: TestClient) -> None:
    popular = client.get("/movies", params={"limit": 10}).json()["items"]
    assert titles(plain(client), "What everybody likes") == [movie["title"] for movie in popular]


def test_the_form_carries_the_ratings_on_and_the_latest_button_counts(client: TestClient) -> None:
    page = plain(client, "like=50&like=60&dislike=50&forget=60&q=movie+70")
    assert re.findall(r'<input type="hidden" name="(\w+)" value="(\d+)">', page) == [
        ("dislike", "50")
    ]
    assert "Movie 70" in titles(page, "Found")
    assert 'value="movie 70"' in page


def test_filters_are_kept_and_count(client: TestClient) -> None:
    page = plain(client, "like=50&genre=Drama&from=1960&to=1970")
    found = titles(page, "What you might like")
    years = re.findall(r'class="muted year">(\d+)<', page.split("might like")[1])
    assert found
    assert all(1960 <= int(year) <= 1970 for year in years)
    assert "<option selected>Drama</option>" in page
    assert titles(plain(client, "like=50&from=1870&to=1871"), "What you might like") == []


@pytest.mark.parametrize(
    "query",
    ["like=x&like=-1&like=0&like=99999999999&like=7&dislike=51", "from=year&to=-5", "q=%00%ff",
     "like=%D9%A3", "genre=" + "x" * 500, "q=" + "x" * 5000, "nonsense=1"],
)  # fmt: skip
def test_what_nobody_could_have_chosen_is_left_out(client: TestClient, query: str) -> None:
    assert titles(plain(client, query), "What everybody likes") or "genre=" in query


def test_an_address_of_any_length_holds_a_limited_number_of_ratings() -> None:
    form = PlainForm.read([("like", str(number)) for number in range(1, 2000)])
    assert len(form.ratings) == MAX_RATINGS


@pytest.mark.parametrize("key", ["sku-18", "a.b", "a/b&c=d", "50%2E", "жук", '"><b>', "007"])
def test_a_film_of_any_key_is_liked_found_again_and_forgotten(client: TestClient, key: str) -> None:
    client.put(f"/movies/{quote(key, safe='')}", json={"title": "Porco Rosso"})
    found = plain(client, "q=porco")
    (value,) = re.findall(
        r'<button name="like" value="([^"]+)">Like<span class="unseen"> Porco', found
    )
    liked = plain(client, urlencode({"like": unescape(value)}))
    assert titles(liked, "What you think") == ["Porco Rosso"]
    assert f'<input type="hidden" name="like" value="{value}">' in liked
    pair = [("like", unescape(value)), ("forget", unescape(value))]
    assert "What you think" not in plain(client, urlencode(pair))


def test_hostile_titles_are_text(client: TestClient) -> None:
    title = "<img src=x onerror=alert(1)>\"'&amp;"
    client.patch("/movies/50", json={"title": title})
    page = plain(client, "like=50&q=onerror")
    assert titles(page, "What you think") == [title]
    assert "<img src=x" not in page


@pytest.mark.parametrize(
    ("part", "name", "value", "text"),
    [
        (CurrentSnapshot, "_snapshot", None, "could not be read from the database yet"),
        (Database, "read", fail, "The database cannot be reached at the moment."),
    ],
)
def test_a_service_that_cannot_answer_says_so_on_a_page(
    client: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    part: type,
    name: str,
    value: Any,
    text: str,
) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    services.find(ModelReloader).stop()  # its next poll would bring the snapshot back
    monkeypatch.setattr(services.find(part), name, value)
    response = client.get("/")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"
    assert response.headers["Content-Type"].startswith("text/html")
    assert text in response.text

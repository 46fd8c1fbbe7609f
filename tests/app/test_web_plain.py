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
    assert len(form.said) == MAX_RATINGS


def test_dots_and_commas_stand_between_keys() -> None:
    form = PlainForm.read([("like", "1258,1214.7"), ("dislike", "a%2Eb"), ("forget", "7")])
    assert form.said == {1258: "like", 1214: "like", "a.b": "dislike"}


def test_what_is_seen_or_not_wanted_is_in_no_list_and_no_opinion(client: TestClient) -> None:
    liked = titles(plain(client, "like=50"), "What you might like")
    seen, hidden = (liked[place].removeprefix("Movie ") for place in (1, 3))
    page = plain(client, f"like=50&seen={seen}&hidden={hidden}")
    left = titles(page, "What you might like")
    assert left[:8] == [title for title in liked if title not in {liked[1], liked[3]}]
    assert titles(page, "What you think") == [liked[3], liked[1], "Movie 50"]
    popular = titles(plain(client), "What everybody likes")
    key = popular[0].removeprefix("Movie ")
    assert titles(plain(client, f"seen={key}"), "What everybody likes")[:9] == popular[1:]


def test_a_new_visitor_is_asked_about_movies_that_tell_much(client: TestClient) -> None:
    page = plain(client)
    first = client.get("/movies", params={"sort": "telling", "limit": 16}).json()["items"]
    shown = re.findall(r'<li class="film tile">.*?<b>(.*?)</b>', page, re.DOTALL)
    assert shown == [movie["title"] for movie in first]
    assert "film tile" not in plain(client, "like=50")


def test_a_movie_is_opened_with_its_links_and_similar_movies(client: TestClient) -> None:
    client.patch("/movies/50", json={"imdb_id": 137523, "tmdb_id": 550})
    page = plain(client, "like=60&open=50")
    assert 'href="https://www.imdb.com/title/tt0137523/"' in page
    assert 'href="https://www.themoviedb.org/movie/550"' in page
    similar = client.get("/movies/50/similar", params={"limit": 6}).json()["items"]
    opened = page.split('class="opened"')[1].split("</section>")[0]
    assert re.findall(r"<h3><bdi>(.*?)</bdi>", opened) == [movie["title"] for movie in similar]
    assert 'class="opened"' not in plain(client, "open=999999")


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

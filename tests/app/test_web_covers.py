"""Covers: drawn from title and genres, or posters of another host."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.live.catalogue import CatalogueMovie
from app.web.drawing import cover
from app.web.facts import N_TONES, PLAIN_TONE, Facts
from app.web.static import FOLDER
from tests.app.world import World

POSTERS = "https://images.example/{imdb_id}/{tmdb_id}-{key}.jpg"


def facts_of(*genres: tuple[str, ...], years: tuple[int | None, ...] = (None,)) -> Facts:
    movies = [CatalogueMovie(1, "Film", year, names) for names in genres for year in years]
    return Facts.of(movies)


def test_the_rarest_genre_decides_the_tone_and_formats_do_not_count() -> None:
    facts = facts_of(("Drama", "Horror", "IMAX"), ("Drama", "Comedy"), ("Comedy",), ("Drama",))
    assert list(facts.tones) == ["Horror", "Comedy", "Drama"]
    assert facts.genres == ["Comedy", "Drama", "Horror", "IMAX"]
    assert facts.tone(["Drama", "Horror", "IMAX"]) == facts.tones["Horror"]
    assert facts.tone(["Unheard of"]) == PLAIN_TONE


def test_genres_of_any_name_have_a_tone() -> None:
    facts = facts_of(tuple(f"Genre {number}" for number in range(50)))
    assert all(0 <= tone < N_TONES for tone in facts.tones.values())
    assert len(set(facts.tones.values())) > N_TONES / 2


def test_years_are_those_of_the_movies_and_of_a_century_without() -> None:
    facts = facts_of(("Drama",), years=(1950, None, 2001))
    assert (facts.first_year, facts.last_year) == (1950, 2001)
    nothing = Facts.of([])
    assert (nothing.first_year, nothing.last_year) == (1900, 2100)


@pytest.mark.parametrize(
    ("title", "initial"),
    [("The Matrix", "M"), ("A", "A"), ("the", "T"), ("An  Odd", "A"), ("", ""), ("über", "Ü")],
)
def test_articles_are_not_initials(title: str, initial: str) -> None:
    assert cover(title, [], facts_of(("Drama",))).initial == initial


def test_titles_turn_the_motif() -> None:
    facts = facts_of(("Drama",))
    assert cover("Alien", [], facts).turn != cover("Aliens", [], facts).turn
    assert re.fullmatch(
        r"translate\(-?\d -?\d\) rotate\(-?\d+ 30 45\)", cover("🎬", [], facts).turn
    )


def test_every_tone_is_drawn() -> None:
    numbers = {str(tone) for tone in range(N_TONES)}
    sprite = (FOLDER.parent / "templates" / "sprite.html").read_text()
    assert set(re.findall(r'id="tone-(\d+)"', sprite)) == numbers
    styles = (FOLDER / "covers.css").read_text()
    assert set(re.findall(r"\.tone-(\d+) ", styles)) == numbers


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_titles_on_covers_can_be_read() -> None:
    styles = (FOLDER / "covers.css").read_text()
    for ground, print_ in re.findall(r"--ground: #(\w{6}).*?--print: #(\w{6})", styles):
        dark, light = sorted((luminance(ground), luminance(print_)))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, ground


@pytest.fixture
def posters(world: World, connect_to: Callable[[Settings], TestClient]) -> TestClient:
    """A service with posters; one movie has both ids, another none."""
    client = connect_to(world.settings.model_copy(update={"poster_url": POSTERS}))
    assert client.patch("/movies/50", json={"imdb_id": 550, "tmdb_id": 7}).status_code == 200
    assert client.put("/movies/a%2Fb", json={"title": "New", "imdb_id": 1, "tmdb_id": 2}).is_success
    return client


def test_posters_are_filled_in_where_the_ids_are_known(posters: TestClient) -> None:
    items = posters.get("/posters", params={"id": ["50", "60", "a/b", "nothing"]}).json()["items"]
    assert items == {
        "50": "https://images.example/0000550/7-50.jpg",
        "a/b": "https://images.example/0000001/2-a%2Fb.jpg",
    }
    assert posters.get("/posters", params={"id": ["x"] * 101}).status_code == 422


def test_the_policy_of_the_page_names_the_host_of_the_posters_alone(posters: TestClient) -> None:
    response = posters.get("/?like=50")
    policy = response.headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://images.example;" in policy
    assert '<img class="poster" src="https://images.example/0000550/7-50.jpg"' in response.text
    assert "data-posters" in response.text


def test_without_posters_nothing_of_another_host_is_allowed(client: TestClient) -> None:
    response = client.get("/?like=50")
    assert "img-src 'self' data:;" in response.headers["Content-Security-Policy"]
    assert "data-posters" not in response.text
    assert client.get("/posters", params={"id": 50}).json() == {"items": {}}


def test_nothing_is_called_a_film_where_things_have_another_name(
    world: World, connect_to: Callable[[Settings], TestClient]
) -> None:
    nouns = {"item_noun": "album", "items_noun": "<albums>"}
    page = connect_to(world.settings.model_copy(update=nouns)).get("/?q=nothing").text
    assert "<title>&lt;albums&gt; for you</title>" in page
    assert "Find an album you know" in page
    assert "No album of such a title." in page
    words = re.sub(r"<[^>]*>", " ", page)
    assert not re.search(r"\bfilms?\b", words, re.IGNORECASE)


@pytest.mark.parametrize("name", [path.name for path in sorted(Path(FOLDER).glob("*.js"))])
def test_no_script_says_films(name: str) -> None:
    text = re.sub(r"//.*|/\*[\s\S]*?\*/", "", (FOLDER / name).read_text())
    words = "a|the|these|no|more|new|of|popular|other|similar|known"
    assert not re.findall(rf"\b(?:{words}) films?\b", text, re.IGNORECASE)

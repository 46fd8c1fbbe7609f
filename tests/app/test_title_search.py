"""Title search, also with typing errors."""

import time

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from app.live.catalogue import CatalogueMovie
from app.live.title_search import TitleIndex

# Title, year, likes.
MOVIES = [
    ("The Godfather", 1972, 140), ("The Godfather: Part II", 1974, 90), ("Toy Story", 1995, 150),
    ("Toy Story 2", 1999, 70), ("Heat", 1995, 60), ("The Heat", 2013, 3), ("Heathers", 1989, 20),
    ("Amelie (Le Fabuleux destin d'Amélie Poulain)", 2001, 80), ("WALL·E", 2008, 75),
    ("Spider-Man", 2002, 60), ("Star Wars: Episode IV - A New Hope", 1977, 180),
    ("Star Maps", 1997, 1), ("Seven (a.k.a. Se7en)", 1995, 150), ("Seven Samurai", 1954, 40),
    ("The Lord of the Rings: The Two Towers", 2002, 130), ("Lord of the Flies", 1963, 10),
    ("Schindler's List", 1993, 170), ("Fight Club", 1999, 160), ("2001: A Space Odyssey", 1968, 80),
    ("Das Boot (The Boat)", 1981, 35), ("Die Hard", 1988, 110), ("Hard Candy", 2005, 9),
    ("The Shawshank Redemption", 1994, 220), ("Søndag på landet", 1984, 1), ("M", 1931, 12),
    ("Monsters, Inc.", 2001, 90), ("Léon: The Professional", 1994, 95), ("The", 1990, 0),
]  # fmt: skip
INDEX = TitleIndex(
    {i: CatalogueMovie(i, title, year, ()) for i, (title, year, _) in enumerate(MOVIES)}
)
LIKES = np.array([likes for *_, likes in MOVIES])


def find(text: str, limit: int = 5) -> list[str]:
    return [MOVIES[position][0] for position in INDEX.find(text, LIKES, limit)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("godfather", "The Godfather"),
        ("the godfather", "The Godfather"),
        ("Godfather, The", "The Godfather"),
        ("part godfather", "The Godfather: Part II"),
        ("amelie", "Amelie (Le Fabuleux destin d'Amélie Poulain)"),
        ("AMÉLIE", "Amelie (Le Fabuleux destin d'Amélie Poulain)"),
        ("destin fabuleux", "Amelie (Le Fabuleux destin d'Amélie Poulain)"),
        ("leon", "Léon: The Professional"),
        ("walle", "WALL·E"),
        ("wall-e", "WALL·E"),
        ("wall e", "WALL·E"),
        ("spiderman", "Spider-Man"),
        ("spider man", "Spider-Man"),
        ("starwars", "Star Wars: Episode IV - A New Hope"),
        ("se7en", "Seven (a.k.a. Se7en)"),
        ("towers rings lord", "The Lord of the Rings: The Two Towers"),
        ("schindlers list", "Schindler's List"),
        ("schindler\u2019s list", "Schindler's List"),
        ("toy st", "Toy Story"),
        ("toy story 2", "Toy Story 2"),
        ("heat", "Heat"),
        ("heat 2013", "The Heat"),
        ("2001", "2001: A Space Odyssey"),
        ("die hard", "Die Hard"),
        ("das boot", "Das Boot (The Boat)"),
        ("sondag", "Søndag på landet"),
        ("monsters inc", "Monsters, Inc."),
        ("m", "M"),
        ("godfahter", "The Godfather"),
        ("shawshenk redemtion", "The Shawshank Redemption"),
        ("fight clb", "Fight Club"),
        ("toi story", "Toy Story"),
    ],
)
def test_the_movie_that_is_meant_comes_first(text: str, first: str) -> None:
    assert find(text)[0] == first


@pytest.mark.parametrize(
    "text", ["", "   ", "!?…", "xqzw", "\x00", "\U0001f3ac", "qqqqqqqqqqqqqqqq"]
)
def test_nothing_comes_where_nothing_is_meant(text: str) -> None:
    assert find(text) == []


def test_a_movie_with_all_the_words_comes_before_one_with_some() -> None:
    assert find("seven samurai") == ["Seven Samurai"]
    assert find("lord of the rings")[0] == "The Lord of the Rings: The Two Towers"


def test_of_equal_matches_the_more_popular_comes_first() -> None:
    assert find("seven")[:2] == ["Seven (a.k.a. Se7en)", "Seven Samurai"]


def test_a_whole_title_comes_before_a_more_popular_one_that_begins_so() -> None:
    movies = {i: CatalogueMovie(i, f"Number {i}", 1990, ()) for i in (2, 21)}
    assert TitleIndex(movies).find("number 2", np.array([0, 1000]), limit=1) == [0]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), st.integers(1, 50))
def test_any_text_gives_at_most_the_limit_and_no_movie_twice(text: str, limit: int) -> None:
    found = INDEX.find(text, LIKES, limit)
    assert len(found) == len(set(found)) <= limit


@given(st.sampled_from(MOVIES))
def test_every_movie_is_found_by_its_title_and_year(movie: tuple[str, int, int]) -> None:
    title, year, _ = movie
    assert find(f"{title} {year}")[0] == title


def test_an_article_alone_is_a_word_like_any_other() -> None:
    assert "The" in find("the", 50)


def test_an_empty_catalogue_has_nothing() -> None:
    assert TitleIndex({}).find("heat", np.zeros(0, dtype=np.int64), 5) == []


def test_a_search_among_27_000_titles_takes_milliseconds() -> None:
    generator = np.random.default_rng(1)
    syllables = ["ba", "ko", "ri", "ter", "min", "sha", "lo", "ven", "qui", "nor", "da", "the"]
    words = np.array(["".join(generator.choice(syllables, 3)) for _ in range(20_000)])
    titles = generator.choice(words, (27_000, 3)).tolist()
    movies = {
        i: CatalogueMovie(i, " ".join(title), 1950 + i % 70, ()) for i, title in enumerate(titles)
    }
    index, likes = TitleIndex(movies), np.zeros(27_000, dtype=np.int64)
    times = []
    for position in range(0, 2000, 100):
        text = movies[position].title[:-1] + "x"
        begin = time.process_time()
        index.find(text, likes, 10)
        times.append(time.process_time() - begin)
    assert np.median(times) < 0.06  # a few milliseconds; the machine may be busy


def test_what_is_not_allowed_hides_no_other_match() -> None:
    allowed = np.array([title not in {"Heat", "Spider-Man"} for title, *_ in MOVIES])
    found = INDEX.find("heat", LIKES, 5, allowed)
    assert [MOVIES[position][0] for position in found] == ["The Heat", "Heathers"]
    assert INDEX.find("spider-man", LIKES, 5, allowed) == []
    assert INDEX.find("spiederman", LIKES, 5, allowed) == []
    # Without the best match those with fewer of the words come.
    only = np.array([title != "Toy Story 2" for title, *_ in MOVIES])
    assert MOVIES[INDEX.find("toy story 2", LIKES, 5, only)[0]][0] == "Toy Story"


def test_search_over_http_shows_movies_as_in_lists(client: TestClient) -> None:
    items = client.get("/movies/search", params={"q": "movie 10", "limit": 3}).json()["items"]
    assert items[0]["title"] == "Movie 10"
    assert set(items[0]) == {"movie_id", "title", "year", "genres", "likes", "ratings"}
    assert len(items) <= 3
    assert client.get("/movies/search", params={"q": "zzzzzzzz"}).json() == {"items": []}


@pytest.mark.parametrize("query", ["", "q=" + "x" * 201, "q=a&limit=0", "q=a&limit=51", "q=a&x=1"])
def test_a_malformed_search_is_refused(lone_client: TestClient, query: str) -> None:
    assert lone_client.get(f"/movies/search?{query}").status_code == 422

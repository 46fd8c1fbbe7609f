import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.titles import split_title


@pytest.mark.parametrize(
    ("text", "title", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ("Matrix, The (1999)", "The Matrix", 1999),
        ("Bug's Life, A (1998)", "A Bug's Life", 1998),
        ("American in Paris, An (1951)", "An American in Paris", 1951),
        ("Misérables, Les (2012)", "Les Misérables", 2012),
        ("Avventura, L' (1960)", "L'Avventura", 1960),
        ("Boot, Das (Boat, The) (1981)", "Das Boot (The Boat)", 1981),
        (
            "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
            "The City of Lost Children (La Cité des enfants perdus)",
            1995,
        ),
        (
            "Vitelloni, I (a.k.a. The Young and the Passionate) (1953)",
            "I Vitelloni (a.k.a. The Young and the Passionate)",
            1953,
        ),
        (
            "Dream of Light (a.k.a. Quince Tree Sun, The) (Sol del membrillo, El) (1992)",
            "Dream of Light (a.k.a. The Quince Tree Sun) (El Sol del membrillo)",
            1992,
        ),
        (
            "Lord of the Rings: The Two Towers, The (2002)",
            "The Lord of the Rings: The Two Towers",
            2002,
        ),
        ("Toxic Avenger, Part II, The (1989)", "The Toxic Avenger, Part II", 1989),
    ],
)
def test_an_article_moves_in_front_of_its_own_title(text: str, title: str, year: int) -> None:
    assert split_title(text) == (title, year)


@pytest.mark.parametrize(
    "title",
    [
        "Monsters, Inc.",
        "Play It Again, Sam",
        "Me, Myself & Irene",
        "Me, Myself, I",
        "Crouching Tiger, Hidden Dragon",
        "The Hunger Games",
        "Strike! (a.k.a. All I Wanna Do, The Hairy Bird)",
    ],
)
def test_a_comma_before_anything_else_stays(title: str) -> None:
    assert split_title(f"{title} (2001)") == (title, 2001)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("96 Minutes (2011) ", ("96 Minutes", 2011)),
        ("Death Note (2006\u20132007)", ("Death Note", 2006)),
        ("Fawlty Towers (1975-1979)", ("Fawlty Towers", 1975)),
        ("Some Series (2011-)", ("Some Series", 2011)),
        ("Land Before Time III (1995) (V)", ("Land Before Time III", 1995)),
        ("1984 (Nineteen Eighty-Four) (1984)", ("1984 (Nineteen Eighty-Four)", 1984)),
        ("2001: A Space Odyssey (1968)", ("2001: A Space Odyssey", 1968)),
    ],
)
def test_the_year_is_split_off(text: str, expected: tuple[str, int]) -> None:
    assert split_title(text) == expected


@pytest.mark.parametrize("title", ["Babylon 5", "Moonlight", "(1995)", "Room (9999)", "Room (237)"])
def test_a_title_without_a_year_has_none(title: str) -> None:
    assert split_title(title) == (title, None)


@given(title=st.text("abcXYZ éñ'!&:-.", min_size=1), year=st.integers(1888, 2030))
def test_a_title_without_article_is_kept_as_it_is(title: str, year: int) -> None:
    title = title.strip() or "x"
    assert split_title(f"{title} ({year})") == (title, year)

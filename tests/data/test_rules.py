"""The rule for keys, texts and attributes, the same in Python and pydantic."""

import unicodedata
from typing import Annotated

import pytest
from pydantic import StringConstraints, TypeAdapter, ValidationError

from data.rules import (
    KEY_PATTERN,
    MAX_ATTRIBUTES,
    TEXT_PATTERN,
    attributes_flaw,
    cleaned,
    flaw,
    is_movie_key,
    is_user_key,
    shown,
)

TEXTS = [
    "Amélie",
    "七人の侍",
    "👩‍🚀",
    "a b",
    "العربية\u200f",
    "\u00ad",
    "\ufffd",
    "(500) Days",
    "\xa0x",
]
NO_TEXTS = [
    "\0", "a\nb", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202eevil", "\u2066", "\ufdd0", "\ufffe",
    "\uffff",
]  # fmt: skip
KEYS = [
    "42",
    "a",
    ".a",
    "..a",
    "a.",
    ". .a",
    "~_@:+-",
    "жук",
    "a b",
    "a/b",
    "../a",
    "%2e",
    "👩‍🚀",
    "\xa0x",
]
NO_KEYS = [".", "..", "...", ". .", "", " ", " a", "a ", "a\n", "a\0", "\ufdd0", "a\u2028b"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_what_people_write(text: str) -> None:
    assert flaw(text, 500) is None
    assert cleaned(text) == text
    TypeAdapter(Annotated[str, StringConstraints(pattern=TEXT_PATTERN)]).validate_python(text)


@pytest.mark.parametrize("text", NO_TEXTS)
def test_no_text_holds_what_cannot_be_seen_or_stored(text: str) -> None:
    assert "which is no character of a text" in (flaw(text, 500) or "")
    assert flaw(cleaned(text), 500) is None
    assert len(cleaned(text)) == len(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Annotated[str, StringConstraints(pattern=TEXT_PATTERN)]).validate_python(text)


def test_all_control_characters_and_surrogates_are_refused() -> None:
    for number in [*range(0x3000), *range(0xD800, 0xE000)]:
        refused = flaw(chr(number), 1) is not None
        if unicodedata.category(chr(number)) in {"Cc", "Cs"}:
            assert refused, hex(number)
        if unicodedata.category(chr(number))[0] in "LMNPS":
            assert not refused, hex(number)


def test_a_long_text_is_refused() -> None:
    assert flaw("x" * 500, 500) is None
    assert flaw("x" * 501, 500) == "has 501 characters, more than 500"


@pytest.mark.parametrize(("keys", "fit"), [(KEYS, True), (NO_KEYS, False)])
def test_a_key_is_the_same_in_files_and_in_the_api(keys: list[str], *, fit: bool) -> None:
    api = TypeAdapter(Annotated[str, StringConstraints(pattern=KEY_PATTERN)])
    for key in keys:
        assert is_user_key(key) == is_movie_key(key) == fit, key
        try:
            api.validate_python(key)
        except ValidationError:
            assert not fit, key
        else:
            assert fit, key


def test_a_key_has_an_end_and_no_half_characters() -> None:
    assert is_user_key("x" * 128)
    assert not is_user_key("x" * 129)
    assert is_movie_key("x" * 200)
    assert not is_movie_key("x" * 201)
    assert not is_user_key("a\ud800")
    assert is_user_key("search")
    assert not is_movie_key("search")


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"studio": "Ghibli", "price": 9.99, "tags": ["flying", "pigs"], "n": 0}, None),
        ({f"a{i}": 1 for i in range(MAX_ATTRIBUTES + 1)}, "51 attributes, more than 50"),
        ({"": 1}, "'' is no name"),
        ({"a:b": 1}, "'a:b' is no name"),
        ({"x" * 51: 1}, "is no name"),
        ({"a": ""}, "'a' is empty"),
        ({"a": "x "}, "'a' begins or ends with a space"),
        ({" a": 1}, "' a' is no name"),
        ({"a": "x" * 501}, "'a' has 501 characters, more than 500"),
        ({"a": "x\ny"}, "U+000A"),
        ({"a": float("nan")}, "'a' is a number beyond"),
        ({"a": 2**53 + 1}, "'a' is a number beyond"),
        ({"a": True}, "'a' is no text, number or list of texts"),
        ({"a": None}, "'a' is no text, number or list of texts"),
        ({"a": ["x", 1]}, "'a' is no text, number or list of texts"),
        ({"a": ["x"] * 51}, "'a' has 51 tags, more than 50"),
        ({"a": ["x" * 101]}, "'a' has a tag that has 101 characters, more than 100"),
    ],
)
def test_attributes_are_texts_numbers_and_tags(
    attributes: dict[str, object], said: str | None
) -> None:
    found = attributes_flaw(attributes)
    assert found is None if said is None else said in (found or "")


def test_a_shown_value_is_short_escaped_and_one_line() -> None:
    assert shown("a\n\u202e\ud800\x1b") == "'a\\n\\u202e\\ud800\\x1b'"
    assert len(shown("x" * 10**6)) < 70

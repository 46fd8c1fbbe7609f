"""The rule for keys and texts is the same in Python, Arrow and pydantic."""

import re
import unicodedata
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pydantic import StringConstraints, TypeAdapter, ValidationError

from app.http.identifiers import KEY_PATTERN
from data.rules import TEXT_PATTERN, USER_KEY_PATTERN, cleaned, flaw, shown

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
KEYS = ["42", "a", ".a", "..a", "a.", "a..", "~_@:+-", "-", "Zoë"[:2]]
NO_KEYS = [".", "..", "...", "", "é", "a b", "a/b", "a\n", "%2e", "a\0"]


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
def test_a_key_of_a_file_is_one_of_the_api(keys: list[str], fit: bool) -> None:
    api = TypeAdapter(Annotated[str, StringConstraints(pattern=KEY_PATTERN)])
    arrow = pc.match_substring_regex(pa.array(keys), f"^(?:{USER_KEY_PATTERN})$").to_pylist()
    for key, found in zip(keys, arrow, strict=True):
        assert (re.fullmatch(USER_KEY_PATTERN, key) is not None, found) == (fit, fit), key
        try:
            api.validate_python(key)
        except ValidationError:
            assert not fit, key
        else:
            assert fit, key


def test_a_shown_value_is_short_escaped_and_one_line() -> None:
    assert shown("a\n\u202e\ud800\x1b") == "'a\\n\\u202e\\ud800\\x1b'"
    assert len(shown("x" * 10**6)) < 70

"""What keys, ids and texts look like, wherever they come in: files, back-ups, API, command line.

A key or text that would be stored is checked here and nowhere else. The patterns are in the syntax
that Python, RE2 (Arrow), Rust (pydantic) and JavaScript (JSON Schema) share.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ATTRIBUTE_NAME_PATTERN",
    "FIRST_YEAR",
    "KEY_PATTERN",
    "LAST_YEAR",
    "MAX_ATTRIBUTES",
    "MAX_ATTRIBUTE_NAME_LENGTH",
    "MAX_GENRES",
    "MAX_GENRE_LENGTH",
    "MAX_MOVIE_ID",
    "MAX_MOVIE_KEY_LENGTH",
    "MAX_NAME_LENGTH",
    "MAX_NUMBER",
    "MAX_REASON_LENGTH",
    "MAX_STARS",
    "MAX_TAGS",
    "MAX_TAG_LENGTH",
    "MAX_TEXT_LENGTH",
    "MAX_TIME",
    "MAX_TITLE_LENGTH",
    "MAX_USER_KEY_LENGTH",
    "MIN_STARS",
    "MOVIE_KEY_MEANING",
    "RESERVED_MOVIE_KEYS",
    "TEXT_PATTERN",
    "USER_KEY_MEANING",
    "attributes_flaw",
    "brief",
    "cleaned",
    "flaw",
    "is_movie_key",
    "is_user_key",
    "shown",
]

# Text is one line that is stored as it is and shown as it is stored: without control characters
# (U+0000-1F, 7F-9F), separators of lines and characters that reverse the order of others
# (U+2028-202E, 2066-2069), and code points that are no characters. Half surrogate pairs are no
# text to Rust and JavaScript anyway, and PostgreSQL stores neither these nor NUL.
_HIDDEN = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff"
TEXT_PATTERN = rf"^[^ {_HIDDEN}]([^{_HIDDEN}]*[^ {_HIDDEN}])?$"
# The name of an attribute is a text without a colon, which ends it in a filter.
ATTRIBUTE_NAME_PATTERN = rf"^[^ :{_HIDDEN}]([^:{_HIDDEN}]*[^ :{_HIDDEN}])?$"
_ATTRIBUTE_NAME = re.compile(ATTRIBUTE_NAME_PATTERN)
_NO_TEXT = re.compile(rf"[{_HIDDEN}\ud800-\udfff]")

# The key of a user or movie is a text that is no dots alone (`.`, `..` and, with spaces, longer
# ones), which browsers and proxies remove from a path.
KEY_PATTERN = rf"^(\.[. ]*)?[^. {_HIDDEN}]([^{_HIDDEN}]*[^ {_HIDDEN}])?$"
_KEY = re.compile(KEY_PATTERN)
MAX_USER_KEY_LENGTH, MAX_MOVIE_KEY_LENGTH = 128, 200
USER_KEY_MEANING = f"1 to {MAX_USER_KEY_LENGTH} printable characters, not dots alone"
# Of paths below `/movies/`.
RESERVED_MOVIE_KEYS = frozenset({"search", "trending"})
MAX_MOVIE_ID = 2**31 - 1
MOVIE_KEY_MEANING = (
    f"1 to {MAX_MOVIE_KEY_LENGTH} printable characters, not dots alone, not "
    f"{' or '.join(sorted(RESERVED_MOVIE_KEYS))}; or a number up to {MAX_MOVIE_ID}"
)

MAX_TITLE_LENGTH = 500
MAX_GENRE_LENGTH = 50
MAX_GENRES = 20
# Of a data set or an API key.
MAX_NAME_LENGTH = 100
# Further attributes of a movie: texts, numbers, lists of tags.
MAX_ATTRIBUTES, MAX_ATTRIBUTE_NAME_LENGTH = 50, 50
MAX_TEXT_LENGTH, MAX_TAGS, MAX_TAG_LENGTH = 500, 50, 100
MAX_NUMBER = 2**53  # exact in every program that reads JSON

MIN_STARS, MAX_STARS = 0.5, 5.0
# The oldest movie dates from 1888.
FIRST_YEAR, LAST_YEAR = 1870, 2100
# End of the year 9999 in Unix seconds.
MAX_TIME = 253_402_300_799

# Longer values and reasons are cut in messages.
MAX_SHOWN_LENGTH, MAX_REASON_LENGTH = 60, 300


def flaw(text: str, max_length: int) -> str | None:
    """Say why a text cannot be stored, None if it can; an empty one can.

    Parameters
    ----------
    text : str
    max_length : int
        In characters.
    """
    if len(text) > max_length:
        return f"has {len(text)} characters, more than {max_length}"
    found = _NO_TEXT.search(text)
    if found:
        return f"holds U+{ord(found[0]):04X}, which is no character of a text: {shown(text)}"
    return None


def attributes_flaw(attributes: Mapping[str, object]) -> str | None:
    """Say why a movie cannot have these attributes, None if it can.

    Parameters
    ----------
    attributes : mapping of str to (str, int, float, or list of str)
        By name, without a colon, which ends the name in a filter.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        return f"there are {len(attributes)} attributes, more than {MAX_ATTRIBUTES}"
    for name, value in attributes.items():
        if flaw(name, MAX_ATTRIBUTE_NAME_LENGTH) or not _ATTRIBUTE_NAME.fullmatch(name):
            return (
                f"{shown(name)} is no name of an attribute (1 to {MAX_ATTRIBUTE_NAME_LENGTH} "
                "printable characters without a colon)"
            )
        wrong = _value_flaw(value)
        if wrong:
            return f"{shown(name)} {wrong}"
    return None


def _value_flaw(value: object) -> str | None:
    if isinstance(value, str):
        return _text_flaw(value, MAX_TEXT_LENGTH)
    if isinstance(value, int | float) and not isinstance(value, bool):
        # NaN is in no range.
        return None if abs(value) <= MAX_NUMBER else f"is a number beyond {MAX_NUMBER}"
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        return "is no text, number or list of texts"
    if len(value) > MAX_TAGS:
        return f"has {len(value)} tags, more than {MAX_TAGS}"
    flaws = (_text_flaw(tag, MAX_TAG_LENGTH) for tag in value)
    return next((f"has a tag that {wrong}" for wrong in flaws if wrong), None)


def _text_flaw(text: str, max_length: int) -> str | None:
    if not text or text[0] == " " or text[-1] == " ":
        return "begins or ends with a space" if text else "is empty"
    return flaw(text, max_length)


def is_user_key(text: str) -> bool:
    """Tell whether a text can be the key of a user."""
    return len(text) <= MAX_USER_KEY_LENGTH and _is_key(text)


def is_movie_key(text: str) -> bool:
    """Tell whether a text can be the key of a movie."""
    return len(text) <= MAX_MOVIE_KEY_LENGTH and _is_key(text) and text not in RESERVED_MOVIE_KEYS


def _is_key(text: str) -> bool:
    return _KEY.fullmatch(text) is not None and _NO_TEXT.search(text) is None


def cleaned(text: str) -> str:
    """Return a text with U+FFFD in place of what no text holds."""
    return _NO_TEXT.sub("\ufffd", text)


def shown(value: object) -> str:
    """Return a value for a message: on one line, escaped, and cut if it is long."""
    text = value if isinstance(value, str) else str(value)
    return repr(text if len(text) <= MAX_SHOWN_LENGTH else f"{text[:MAX_SHOWN_LENGTH]}…")


def brief(error: BaseException) -> str:
    """Return the message of a library for one of ours: on one line, cut if it is long."""
    text = " ".join(str(error).split())[:MAX_REASON_LENGTH]
    printable = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return printable or type(error).__name__

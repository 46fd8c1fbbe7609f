"""What keys, ids and texts look like, wherever they come in: files, back-ups, API, command line.

A key or text that would be stored is checked here and nowhere else. The patterns are in the syntax
that Python, RE2 (Arrow), Rust (pydantic) and JavaScript (JSON Schema) share.
"""

from __future__ import annotations

import re

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "MAX_GENRES",
    "MAX_GENRE_LENGTH",
    "MAX_KEY_LENGTH",
    "MAX_MOVIE_ID",
    "MAX_NAME_LENGTH",
    "MAX_REASON_LENGTH",
    "MAX_STARS",
    "MAX_TIME",
    "MAX_TITLE_LENGTH",
    "MIN_STARS",
    "TEXT_PATTERN",
    "USER_KEY_MEANING",
    "USER_KEY_PATTERN",
    "brief",
    "cleaned",
    "flaw",
    "shown",
]

# The key of a user: not `.`, `..` and longer ones of dots alone, which browsers and proxies remove
# from a path.
USER_KEY_PATTERN = r"\.*[A-Za-z0-9_~@:+-][A-Za-z0-9._~@:+-]*"
MAX_KEY_LENGTH = 128
USER_KEY_MEANING = f"1 to {MAX_KEY_LENGTH} letters, digits or characters of ._~@:+-, not dots alone"

# Text is one line that is stored as it is and shown as it is stored: without control characters
# (U+0000-1F, 7F-9F), separators of lines and characters that reverse the order of others
# (U+2028-202E, 2066-2069), and code points that are no characters. Half surrogate pairs are no
# text to Rust and JavaScript anyway, and PostgreSQL stores neither these nor NUL.
_HIDDEN = r"\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff"
TEXT_PATTERN = rf"^[^ {_HIDDEN}]([^{_HIDDEN}]*[^ {_HIDDEN}])?$"
_NO_TEXT = re.compile(rf"[{_HIDDEN}\ud800-\udfff]")

MAX_TITLE_LENGTH = 500
MAX_GENRE_LENGTH = 50
MAX_GENRES = 20
# Of a data set or an API key.
MAX_NAME_LENGTH = 100

MAX_MOVIE_ID = 2**31 - 1
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

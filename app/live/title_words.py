"""Titles as words: without accents, marks and case."""

import re
import unicodedata

# In titles nothing but articles, in the languages of the catalogue.
ARTICLES = frozenset(
    {"the", "a", "an", "le", "la", "les", "l", "un", "une", "el", "los", "las", "lo", "il", "gli",
     "uno", "una", "der", "die", "das", "den", "ein", "eine", "det", "en", "ett", "et", "os", "as",
     "het"}
)  # fmt: skip
# Letters that Unicode does not take apart.
_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
     "&": " and "}
)  # fmt: skip
# An apostrophe inside a word is as good as nothing: "schindlers list", "oceans eleven".
_APOSTROPHES = re.compile(r"(?<=\w)['\u2019`](?=\w)")
_MARKS = re.compile(r"[\W_]+")
_JOINED = re.compile(r"\w+(?:[-\u00b7.*:'\u2019]\w+)+")


def fold(text: str) -> str:
    """Give the words of a text in lower case, without accents and marks."""
    text = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return _MARKS.sub(" ", _APOSTROPHES.sub("", text)).strip()


def joined(text: str) -> list[str]:
    """Give the words that marks take apart as one word each: "WALL·E" as "walle"."""
    return [fold(word).replace(" ", "") for word in _JOINED.findall(text)]

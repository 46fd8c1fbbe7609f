"""Drawn covers: what is drawn for a movie follows from its genres and the letters of its title."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from app.web.facts import Facts

ARTICLE = re.compile(r"(?:the|a|an) (?=\S)", re.IGNORECASE)


class Cover(NamedTuple):
    """A cover; `covers.js` has the same rules."""

    tone: int
    turn: str  # of the motif, as a transformation of SVG
    initial: str


def cover(title: str, genres: Iterable[str], facts: Facts) -> Cover:
    """Return the cover of a movie."""
    number = 0
    for place, letter in enumerate(title, 1):
        number = (number + place * ord(letter)) % 9973
    across, down, angle = number % 13 - 6, number % 17 - 8, number % 41 - 20
    initial = ARTICLE.sub("", title, count=1)[:1].upper()
    turn = f"translate({across} {down}) rotate({angle} 30 45)"
    return Cover(facts.tone(genres), turn, initial)

"""The page without scripts: one form, answered as a whole, whose address holds the opinions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.movies.catalogue import Film
from app.movies.schemas import LARGEST_MOVIE_ID, SearchQuery
from app.ratings.schemas import StatedRating
from app.recommendations.options import LARGEST_YEAR, AnybodysRequest
from app.services import Services

# An address takes some 8,000 characters; who rates more has a browser that runs scripts.
MOST_OPINIONS = 500
LONGEST_SEARCH, LONGEST_GENRE = 200, 50
N_FOUND, N_REASONS = 10, 2


@dataclass(frozen=True, slots=True)
class PlainForm:
    """What the form holds; what nobody could have chosen in it is left out."""

    opinions: dict[int, bool]
    q: str = ""
    genre: str = ""
    year_from: int | None = None
    year_to: int | None = None

    @classmethod
    def read(cls, fields: Iterable[tuple[str, str]]) -> PlainForm:
        """Read the fields in their order: of two about one film, the later one counts."""
        opinions: dict[int, bool] = {}
        last: dict[str, str] = {}
        for name, text in fields:
            movie_id = _number(text, LARGEST_MOVIE_ID)
            if name == "forget":
                opinions.pop(movie_id or 0, None)
            elif name in {"like", "dislike"} and movie_id and len(opinions) < MOST_OPINIONS:
                opinions[movie_id] = name == "like"
            else:
                last[name] = text
        return cls(
            opinions=opinions,
            q=last.get("q", "").strip()[:LONGEST_SEARCH],
            genre=last.get("genre", "")[:LONGEST_GENRE],
            year_from=_number(last.get("from", ""), LARGEST_YEAR),
            year_to=_number(last.get("to", ""), LARGEST_YEAR),
        )


def answer(form: PlainForm, services: Services, length: int) -> dict[str, Any]:
    """Work out what the page shows for a form."""
    catalogue = services.models.snapshot.catalogue.films
    rated = [film for id_ in form.opinions if (film := catalogue.get(id_)) is not None]
    found = services.movies.search(SearchQuery(q=form.q, limit=N_FOUND)).items if form.q else []
    options: dict[str, Any] = {
        "genre": [form.genre] if form.genre else [],
        **({"year_from": form.year_from} if form.year_from is not None else {}),
        **({"year_to": form.year_to} if form.year_to is not None else {}),
    }
    ratings = [StatedRating(movie_id=id_, liked=like) for id_, like in form.opinions.items()]
    request = AnybodysRequest(ratings=ratings, limit=length, explain=N_REASONS, **options)
    recommended = services.recommendations.recommend_anybody(request)
    return {
        "opinions": form.opinions,
        "q": form.q,
        "genre": form.genre,
        "year_from": form.year_from,
        "year_to": form.year_to,
        "found": found,
        "rated": [_shown(film) for film in reversed(rated)],
        "is_personal": recommended.reason is None,
        "recommended": recommended.items,
    }


def _shown(film: Film) -> dict[str, Any]:
    return film._asdict()


def _number(text: str, most: int) -> int | None:
    """Read a number as people write it, None where it is none or none that could be meant."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(most)):
        return None
    number = int(digits)
    return number if 0 < number <= most else None

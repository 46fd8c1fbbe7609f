"""The page without scripts: one form, answered as a whole, whose address holds the ratings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.http.api import Services
from app.http.identifiers import MAX_MOVIE_ID
from app.live.catalogue import CatalogueMovie
from app.live.filters import MAX_YEAR
from app.live.snapshot import CurrentSnapshot
from app.movies.schemas import SearchQuery
from app.movies.service import MovieService
from app.ratings.schemas import MovieRatingRequest
from app.recommendations.options import AnonymousRequest
from app.recommendations.service import RecommendationService

# An address takes some 8,000 characters; who rates more has a browser that runs scripts.
MAX_OPINIONS = 500
MAX_SEARCH_LENGTH, MAX_GENRE_LENGTH = 200, 50
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
        """Read the fields in their order: of two about one movie, the later one counts."""
        opinions: dict[int, bool] = {}
        last: dict[str, str] = {}
        for name, text in fields:
            movie_id = _number(text, MAX_MOVIE_ID)
            if name == "forget":
                opinions.pop(movie_id or 0, None)
            elif name in {"like", "dislike"} and movie_id and len(opinions) < MAX_OPINIONS:
                opinions[movie_id] = name == "like"
            else:
                last[name] = text
        return cls(
            opinions=opinions,
            q=last.get("q", "").strip()[:MAX_SEARCH_LENGTH],
            genre=last.get("genre", "")[:MAX_GENRE_LENGTH],
            year_from=_number(last.get("from", ""), MAX_YEAR),
            year_to=_number(last.get("to", ""), MAX_YEAR),
        )


def answer(form: PlainForm, services: Services, length: int) -> dict[str, Any]:
    """Work out what the page shows for a form."""
    catalogue = services.find(CurrentSnapshot).snapshot.catalogue.movies
    rated = [movie for id_ in form.opinions if (movie := catalogue.get(id_)) is not None]
    found = (
        services.find(MovieService).search(SearchQuery(q=form.q, limit=N_FOUND)).items
        if form.q
        else []
    )
    options: dict[str, Any] = {
        "genre": [form.genre] if form.genre else [],
        **({"year_from": form.year_from} if form.year_from is not None else {}),
        **({"year_to": form.year_to} if form.year_to is not None else {}),
    }
    ratings = [MovieRatingRequest(movie_id=id_, liked=like) for id_, like in form.opinions.items()]
    request = AnonymousRequest(ratings=ratings, limit=length, explain=N_REASONS, **options)
    recommended = services.find(RecommendationService).recommend_anonymous(request)
    return {
        "opinions": form.opinions,
        "q": form.q,
        "genre": form.genre,
        "year_from": form.year_from,
        "year_to": form.year_to,
        "found": found,
        "rated": [_shown(movie) for movie in reversed(rated)],
        "is_personal": recommended.reason is None,
        "recommended": recommended.items,
    }


def _shown(movie: CatalogueMovie) -> dict[str, Any]:
    return movie._asdict()


def _number(text: str, most: int) -> int | None:
    """Read a number as people write it, None where it is none or none that could be meant."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(most)):
        return None
    number = int(digits)
    return number if 0 < number <= most else None

"""The page without scripts: one form, whose URL holds the ratings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from app.http.api import Services
from app.live.filters import MAX_YEAR
from app.live.snapshot import CurrentSnapshot
from app.movies.lists import MovieLists
from app.movies.options import SearchQuery
from app.ratings.schemas import MovieRatingRequest
from app.recommendations.options import AnonymousRequest
from app.recommendations.service import RecommendationService
from data.movie_keys import MovieKey, movie_id, movie_key

# URLs are limited to some 8,000 characters.
MAX_RATINGS = 500
MAX_SEARCH_LENGTH, MAX_GENRE_LENGTH = 200, 50
N_FOUND, N_REASONS = 10, 2


@dataclass(frozen=True, slots=True)
class PlainForm:
    """The fields of the form; invalid values are ignored."""

    ratings: dict[MovieKey, bool]  # movie → liked
    q: str = ""
    genre: str = ""
    year_from: int | None = None
    year_to: int | None = None

    @classmethod
    def read(cls, fields: Iterable[tuple[str, str]]) -> PlainForm:
        """Read the fields in their order; the last rating of a movie counts."""
        ratings: dict[MovieKey, bool] = {}
        last: dict[str, str] = {}
        for name, text in fields:
            if name == "forget":
                ratings.pop(_key(text) or 0, None)
            elif name not in {"like", "dislike"}:
                last[name] = text
            elif (key := _key(text)) and len(ratings) < MAX_RATINGS:
                ratings[key] = name == "like"
        return cls(
            ratings=ratings,
            q=last.get("q", "").strip()[:MAX_SEARCH_LENGTH],
            genre=last.get("genre", "")[:MAX_GENRE_LENGTH],
            year_from=_number(last.get("from", ""), MAX_YEAR),
            year_to=_number(last.get("to", ""), MAX_YEAR),
        )


def plain_context(form: PlainForm, services: Services, length: int) -> dict[str, Any]:
    """Return what the template shows for a form."""
    snapshot = services.find(CurrentSnapshot).snapshot
    search = SearchQuery(q=form.q, limit=N_FOUND)
    ratings = [MovieRatingRequest(movie_id=key, liked=like) for key, like in form.ratings.items()]
    rated = np.array([movie_id(key) for key in reversed(form.ratings)], dtype=np.int64)
    shown = rated[snapshot.are_available(rated)].tolist()
    years: dict[str, Any] = {"year_from": form.year_from, "year_to": form.year_to}
    request = AnonymousRequest(
        ratings=ratings,
        genre=[form.genre] if form.genre else [],
        limit=length,
        explain=N_REASONS,
        **{name: year for name, year in years.items() if year is not None},
    )
    recommended = services.find(RecommendationService).recommend_anonymous(request)
    return {
        **asdict(form),
        "found": services.find(MovieLists).search(search).items if form.q else [],
        "rated": [snapshot.catalogue.movies[id_] for id_ in shown],
        "is_personal": recommended.reason is None,
        "recommended": recommended.items,
    }


def in_address(key: MovieKey) -> str:
    """Write a key as the pages have it in addresses: dots stand between keys there."""
    return quote(str(key), safe="").replace(".", "%2E")


def _key(text: str) -> MovieKey | None:
    """Read a key that `in_address` has written, None for any other text."""
    try:
        return movie_key(unquote(text.strip(), errors="strict"))
    except ValueError:
        return None


def _number(text: str, maximum: int) -> int | None:
    """Read a number from 1 to `maximum`, None for any other text."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(maximum)):
        return None
    number = int(digits)
    return number if 0 < number <= maximum else None

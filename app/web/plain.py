"""The page without scripts: one form, whose URL holds the ratings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from app.http.api import Services
from app.live.filters import MAX_YEAR, Filters
from app.live.snapshot import CurrentSnapshot
from app.movies.errors import MovieNotFoundError
from app.movies.lists import MovieLists
from app.movies.options import SearchQuery
from app.movies.service import MovieService
from app.ratings.schemas import MovieRatingRequest
from app.recommendations.options import AnonymousRequest
from app.recommendations.predictions import PredictionService
from app.recommendations.service import RecommendationService
from data.movie_keys import MovieKey, movie_id, movie_key

# URLs are limited to some 8,000 characters.
MAX_RATINGS = 500
MAX_SEARCH_LENGTH, MAX_GENRE_LENGTH = 200, 50
N_FOUND, N_REASONS, N_SIMILAR = 10, 2, 6
# What a visitor can say of a movie, by the kinds of events: opinions, and what only hides it.
LIKE, OPINIONS = "like", {"like", "dislike"}
SAID = OPINIONS | {"seen", "hidden"}
BETWEEN_KEYS = re.compile("[.,]")


@dataclass(frozen=True, slots=True)
class PlainForm:
    """The fields of the form; invalid values are ignored."""

    said: dict[MovieKey, str]  # movie → one of `SAID`
    q: str = ""
    genre: str = ""
    year_from: int | None = None
    year_to: int | None = None
    open: MovieKey | None = None  # the movie that is shown with all that is known of it

    @classmethod
    def read(cls, fields: Iterable[tuple[str, str]]) -> PlainForm:
        """Read the fields in their order; what was said last of a movie counts."""
        said: dict[MovieKey, str] = {}
        last: dict[str, str] = {}
        for name, text in fields:
            if name not in {*SAID, "forget"}:
                last[name] = text
                continue
            for key in _keys(text):
                said.pop(key, None)
                if name in SAID and len(said) < MAX_RATINGS:
                    said[key] = name
        return cls(
            said=said,
            q=last.get("q", "").strip()[:MAX_SEARCH_LENGTH],
            genre=last.get("genre", "")[:MAX_GENRE_LENGTH],
            year_from=_number(last.get("from", ""), MAX_YEAR),
            year_to=_number(last.get("to", ""), MAX_YEAR),
            open=next(_keys(last.get("open", "")), None),
        )


def plain_context(form: PlainForm, services: Services, length: int) -> dict[str, Any]:
    """Return what the template shows for a form."""
    snapshot = services.find(CurrentSnapshot).snapshot
    search = SearchQuery(q=form.q, limit=N_FOUND)
    about = np.array([movie_id(key) for key in reversed(form.said)], dtype=np.int64)
    shown = about[snapshot.are_available(about)].tolist()
    recommended = services.find(RecommendationService).recommend_anonymous(_request(form, length))
    return {
        **asdict(form),
        "found": services.find(MovieLists).search(search).items if form.q else [],
        "rated": [snapshot.catalogue.movies[id_] for id_ in shown],
        "is_personal": recommended.reason is None,
        "recommended": recommended.items,
        "opened": _opened(form.open, services) if form.open is not None else None,
    }


def _request(form: PlainForm, length: int) -> AnonymousRequest:
    opinions = {key: said for key, said in form.said.items() if said in OPINIONS}
    years: dict[str, Any] = {"year_from": form.year_from, "year_to": form.year_to}
    return AnonymousRequest(
        ratings=[
            MovieRatingRequest(movie_id=key, liked=said == LIKE) for key, said in opinions.items()
        ],
        exclude=[key for key in form.said if key not in opinions],
        genre=[form.genre] if form.genre else [],
        limit=length,
        explain=N_REASONS,
        **{name: year for name, year in years.items() if year is not None},
    )


def _opened(key: MovieKey, services: Services) -> dict[str, Any] | None:
    """Return all that is known of one movie; None if there is no such movie."""
    try:
        movie = services.find(MovieService).get(key)
        similar = services.find(PredictionService).similar(key, N_SIMILAR, Filters())
    except MovieNotFoundError:
        return None
    return {"movie": movie, "similar": similar.items}


def in_address(key: MovieKey) -> str:
    """Write a key as the pages have it in addresses: dots stand between keys there."""
    return quote(str(key), safe="").replace(".", "%2E")


def _keys(text: str) -> Iterator[MovieKey]:
    """Read keys that `in_address` has written, with dots or commas between; skip other text."""
    for part in BETWEEN_KEYS.split(text):
        try:
            yield movie_key(unquote(part.strip(), errors="strict"))
        except ValueError:
            continue


def _number(text: str, maximum: int) -> int | None:
    """Read a number from 1 to `maximum`, None for any other text."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > len(str(maximum)):
        return None
    number = int(digits)
    return number if 0 < number <= maximum else None

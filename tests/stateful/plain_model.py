"""What the service promises, in plain Python: dictionaries in place of a database and arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIKE = 4.0

# Stars, or a plain like.
Value = float | bool
_stamps = count(1)


class Movie(NamedTuple):
    """What is known of a movie."""

    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()


class Rating(NamedTuple):
    """A rating, and whether it came with the release."""

    value: Value
    imported: bool = False

    @property
    def liked(self) -> bool:
        return self.value if isinstance(self.value, bool) else self.value >= LIKE


IMPORTED = Rating(value=False, imported=True)


class Release(NamedTuple):
    """A data set: movies, and stars by user and movie."""

    name: str
    movies: Mapping[int, Movie]
    stars: Mapping[str, Mapping[int, float]]


@dataclass
class User:
    """A user; the stamp is another one after every change of the ratings."""

    imported_from: str | None = None
    ratings: dict[int, Rating] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    events: set[tuple[int, str]] = field(default_factory=set)
    stamp: int = field(default_factory=lambda: next(_stamps))

    def change(self) -> None:
        self.stamp = next(_stamps)


class Item(NamedTuple):
    """A movie of a list."""

    movie_id: int
    source: str


@dataclass
class PlainModel:
    """The state that two workers and their database should have together."""

    movies: dict[int, Movie]
    known: Mapping[str, frozenset[int]]  # movies of each published model, by its version
    active: str | None
    previous: str | None = None
    users: dict[str, User] = field(default_factory=dict)
    release: str | None = None
    rolled_back: set[str] = field(default_factory=set)
    likes: dict[int, int] = field(default_factory=dict)  # as they were counted last
    n_users: int = 0

    def rate(self, key: str, ratings: Iterable[tuple[int, Value]]) -> list[int]:
        """Store the ratings of movies that exist; return the status of each."""
        statuses = []
        for movie_id, value in ratings:
            if movie_id not in self.movies:
                statuses.append(404)
                continue
            user = self.users.setdefault(key, User())
            statuses.append(200 if movie_id in user.ratings else 201)
            user.ratings[movie_id] = Rating(value)
            user.change()
        return statuses

    def unrate(self, key: str, movie_id: int) -> None:
        user = self.users.get(key)
        if user and (movie_id in user.ratings or movie_id in user.seen):
            user.ratings.pop(movie_id, None)
            user.seen.discard(movie_id)
            user.change()

    def tell(self, key: str, movie_id: int, kind: str) -> int:
        """Record an event, which is later than any import and earlier than any other rating."""
        if movie_id not in self.movies:
            return 404
        user = self.users.setdefault(key, User())
        if (movie_id, kind) in user.events:
            return 200
        user.events.add((movie_id, kind))
        if kind != "clicked":
            user.change()
        if kind in {"seen", "hidden"}:
            user.seen.add(movie_id)
        elif kind == "liked" and user.ratings.get(movie_id, IMPORTED).imported:
            user.ratings[movie_id] = Rating(value=True)
        return 201

    def activate(self, version: str) -> None:
        if version != self.active:
            self.rolled_back.discard(version)
            self.active, self.previous = version, self.active

    def roll_back(self) -> bool:
        """Serve the model before; False if there is none."""
        if self.active is None or self.previous is None:
            return False
        self.rolled_back.add(self.active)
        older = [v for v in sorted(self.known, reverse=True) if v < self.previous]
        further = (v for v in older if v not in self.rolled_back and v != self.active)
        self.active, self.previous = self.previous, next(further, None)
        return True

    def import_release(self, release: Release) -> bool:
        """Put a release in place of the one before; False if a rated movie would be another."""
        if self.release == release.name:
            return True
        stay = {id_ for user in self.users.values() for id_, r in user.ratings.items()
                if not r.imported}  # fmt: skip
        rated = {id_: self.movies[id_] for id_ in stay & release.movies.keys()}
        if any(_differ(id_, held, release.movies[id_]) for id_, held in rated.items()):
            return False
        if self.release is not None:
            told = {id_ for user in self.users.values() for id_, _ in user.events}
            self._remove_release(stay | told)
        self.release = release.name
        self.movies |= {
            id_: _merged(id_, self.movies.get(id_, given), given)
            for id_, given in release.movies.items()
        }
        for key, stars in release.stars.items():
            user = self.users.setdefault(key, User(release.name))
            user.ratings = {id_: Rating(s, imported=True) for id_, s in stars.items()} | {
                id_: rating for id_, rating in user.ratings.items() if not rating.imported
            }
            user.change()
        return True

    def count(self) -> None:
        """Count likes, as the workers do now and then."""
        self.n_users = len(self.users)
        self.likes = dict.fromkeys(self.movies, 0)
        for user in self.users.values():
            for movie_id, rating in user.ratings.items():
                self.likes[movie_id] = self.likes.get(movie_id, 0) + rating.liked

    def reason(self, key: str) -> str | None:
        """Return why the list of a user is not personal."""
        if self.active is None:
            return "no_model"
        if key not in self.users:
            return "unknown_user"
        if not self.users[key].ratings:
            return "no_ratings"
        if not self.users[key].ratings.keys() & self.known[self.active]:
            return "no_known_ratings"
        return None

    def personal(self, key: str, filters: Mapping[str, Any]) -> set[int]:
        """Return the movies that the model puts into an order of its own."""
        if self.reason(key) is not None or self.active is None:
            return set()
        return self._shown(key, filters) & self.known[self.active]

    def popular(self, key: str, filters: Mapping[str, Any]) -> list[int]:
        """Return the movies that come by their number of likes, in this order."""
        rest = self._shown(key, filters) - self.personal(key, filters)
        return sorted(rest, key=self.popularity)

    def popularity(self, movie_id: int) -> tuple[int, int]:
        return -self.likes.get(movie_id, 0), movie_id

    def share(self, movie_id: int) -> float:
        """Return the score of a popular movie."""
        return float(np.float32(self.likes.get(movie_id, 0) / max(self.n_users, 1)))

    def stamp(self, key: str) -> tuple[str | None, int]:
        """Return what a cursor of this user depends on at least."""
        return self.active, self.users[key].stamp if key in self.users else 0

    def _shown(self, key: str, filters: Mapping[str, Any]) -> set[int]:
        rated = self.users[key].ratings.keys() if key in self.users else set()
        known = {name.casefold() for movie in self.movies.values() for name in movie.genres}
        genres = [name for name in filters.get("genre", ()) if name.casefold() in known]
        filters = {**filters, "genre": genres}  # others are ignored
        fit = {id_ for id_, movie in self.movies.items() if passes(id_, movie, filters)}
        return fit - rated - (self.users[key].seen if key in self.users else set())

    def _remove_release(self, stay: set[int]) -> None:
        for key, user in list(self.users.items()):
            left = {id_: rating for id_, rating in user.ratings.items() if not rating.imported}
            if len(left) < len(user.ratings):
                user.ratings = left
                user.change()
            if user.imported_from is not None and not user.ratings and not user.events:
                del self.users[key]
        self.movies = {id_: movie for id_, movie in self.movies.items() if id_ in stay}
        self.active, self.previous = None, self.active or self.previous


def passes(movie_id: int, movie: Movie, filters: Mapping[str, Any]) -> bool:
    """Tell whether a movie may be in a list."""
    genres = {name.casefold() for name in movie.genres}
    wanted = {name.casefold() for name in filters.get("genre", ())}
    refused = {name.casefold() for name in filters.get("exclude_genre", ())}
    first, last = filters.get("year_from"), filters.get("year_to")
    return (
        (not wanted or bool(genres & wanted))
        and not genres & refused
        and (first is None or (movie.year is not None and movie.year >= first))
        and (last is None or (movie.year is not None and movie.year <= last))
        and movie_id not in filters.get("exclude", ())
    )


def _is_titled(movie_id: int, movie: Movie) -> bool:
    """Tell whether a title is one, and does not stand for a missing one."""
    return movie.title != f"Movie {movie_id}"


def _merged(movie_id: int, held: Movie, given: Movie) -> Movie:
    """Return what an import makes of a movie: what it leaves out stays."""
    return Movie(
        given.title if _is_titled(movie_id, given) else held.title,
        held.year if given.year is None else given.year,
        given.genres or held.genres,
    )


def _differ(movie_id: int, held: Movie, given: Movie) -> bool:
    titled = _is_titled(movie_id, held) and _is_titled(movie_id, given)
    other_year = None not in (held.year, given.year) and held.year != given.year
    return (titled and held.title != given.title) or other_year

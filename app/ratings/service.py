"""Ratings: recorded, listed, deleted."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection

from app.db.engine import Database
from app.http import cursors
from app.movies import repository as movies
from app.movies.errors import MovieNotFoundError
from app.ratings import repository
from app.ratings import user_repository as users
from app.ratings.errors import RatingNotFoundError
from app.ratings.schemas import (
    MovieRatingRequest,
    Rating,
    RatingRequest,
    RatingResult,
    RatingResults,
    RatingsCursor,
    RatingsPage,
    RatingsQuery,
)
from data.movie_keys import MovieKey, movie_id


class RatingService:
    """Stores the ratings of users."""

    def __init__(self, database: Database, like_threshold: float) -> None:
        self.database = database
        self.like_threshold = like_threshold

    def put(self, user: str, movie: MovieKey, rating: RatingRequest) -> tuple[Rating, bool]:
        """Create or replace a rating; also tell whether it was created."""
        id_ = movie_id(movie)
        row = {"movie_id": id_, "stars": rating.stars, "liked": rating.liked}
        with self.database.unit_of_work() as connection:
            if not movies.lock(connection, {id_}):
                raise MovieNotFoundError(movie_id=movie)
            created = _store(connection, user, [row], _now())
            return self._read(connection, user, movie), bool(created)

    def put_all(
        self, connection: Connection, user: str, ratings: Sequence[MovieRatingRequest]
    ) -> RatingResults:
        """Create or replace ratings of movies that exist; the last one of a movie counts."""
        rated_at = _now()
        last = {movie_id(rating.movie_id): rating for rating in ratings}
        known = movies.lock(connection, last)
        rows = [{**last[id_].model_dump(), "movie_id": id_} for id_ in sorted(known)]
        created = _store(connection, user, rows, rated_at) if rows else set()
        return RatingResults(items=list(self._results(ratings, known, created, rated_at)))

    def get(self, user: str, movie: MovieKey) -> Rating:
        """Return one rating."""
        with self.database.read() as connection:
            return self._read(connection, user, movie)

    def remove(self, user: str, movie: MovieKey) -> None:
        """Forget that the movie was rated or seen; where it was neither, nothing changes."""
        with self.database.unit_of_work() as connection:
            user_id = users.lock(connection, user)
            if user_id is not None and repository.remove(connection, user_id, movie_id(movie)):
                users.advance_revision(connection, user_id)

    def page(self, user: str, query: RatingsQuery) -> RatingsPage:
        """Return some of the ratings of a user."""
        cursor = cursors.decode(RatingsCursor, query.cursor)
        with self.database.read() as connection:
            rows = repository.page(
                connection,
                user,
                self.like_threshold,
                after=cursor.after if cursor else None,
                limit=query.limit + 1,  # one more tells whether there is a next page
            )
        items = [Rating.model_validate(row) for row in rows[: query.limit]]
        more = len(rows) > query.limit
        following = RatingsCursor(after=rows[query.limit - 1].id).encode() if more else None
        return RatingsPage(items=items, next=following)

    def _results(
        self,
        ratings: Sequence[MovieRatingRequest],
        known: set[int],
        created: set[int],
        rated_at: datetime,
    ) -> Iterator[RatingResult]:
        """Give the result of each; of several ratings of a new movie the first has created it."""
        created = set(created)
        for rating in ratings:
            key, id_ = rating.movie_id, movie_id(rating.movie_id)
            if id_ not in known:
                error = MovieNotFoundError(movie_id=key).shown
                yield RatingResult(movie_id=key, status=404, rating=None, error=error)
                continue
            liked = rating.is_like(self.like_threshold)
            stored = Rating(movie_id=key, stars=rating.stars, liked=liked, rated_at=rated_at)
            status: Literal[200, 201] = 201 if id_ in created else 200
            created.discard(id_)
            yield RatingResult(movie_id=key, status=status, rating=stored, error=None)

    def _read(self, connection: Connection, user: str, movie: MovieKey) -> Rating:
        row = repository.find(connection, user, movie_id(movie), self.like_threshold)
        if row is None:
            raise RatingNotFoundError(movie_id=movie)
        return Rating.model_validate(row)


def _store(
    connection: Connection, user: str, rows: Sequence[dict[str, Any]], rated_at: datetime
) -> set[int]:
    """Store ratings of a user, who may be new; return the movies that were not rated before."""
    user_id = users.ensure(connection, user)
    created = repository.put(connection, user_id, rows, rated_at)
    users.advance_revision(connection, user_id)
    return created


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)

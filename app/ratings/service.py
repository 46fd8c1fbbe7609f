"""Ratings: given, changed, taken back, listed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row

from app.core.errors import MovieNotFoundError, RatingNotFoundError
from app.db.engine import Database
from app.http import cursors
from app.movies import repository as movies
from app.ratings import repository
from app.ratings import user_repository as users
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


class RatingService:
    """Keeps what people think of movies."""

    def __init__(self, database: Database, like_threshold: float) -> None:
        self.database = database
        self.like_threshold = like_threshold

    def put(self, user: str, movie_id: int, given: RatingRequest) -> tuple[Rating, bool]:
        """Record a rating; also tell whether it is the first one about this movie."""
        rated_at = datetime.now(UTC).replace(microsecond=0)
        with self.database.unit_of_work() as connection:
            if not movies.lock(connection, movie_id):
                raise MovieNotFoundError(movie_id)
            user_id = users.ensure(connection, user)
            created = repository.put(
                connection,
                user_id,
                movie_id,
                stars=given.stars,
                liked=given.liked,
                rated_at=rated_at,
            )
            users.set_revision(connection, user_id, users.next_revision(connection))
            return self._read(connection, user, movie_id), created

    def put_all(self, user: str, given: Sequence[MovieRatingRequest]) -> RatingResults:
        """Record ratings about movies that there are; of two about one movie the later counts."""
        rated_at = datetime.now(UTC).replace(microsecond=0)
        with self.database.unit_of_work() as connection:
            known = movies.lock_all(connection, {rating.movie_id for rating in given})
            final = {rating.movie_id: rating for rating in given if rating.movie_id in known}
            new: set[int] = set()
            if final:
                user_id = users.ensure(connection, user)
                rows = [_row(final[movie_id]) for movie_id in sorted(final)]
                new = repository.put_all(connection, user_id, rows, rated_at)
                users.set_revision(connection, user_id, users.next_revision(connection))
        return RatingResults(items=list(self._results(given, known, new, rated_at)))

    def get(self, user: str, movie_id: int) -> Rating:
        """Return one rating."""
        with self.database.read() as connection:
            return self._read(connection, user, movie_id)

    def remove(self, user: str, movie_id: int) -> None:
        """Take a rating back; one that was never given is no error and changes nothing."""
        with self.database.unit_of_work() as connection:
            user_id = users.lock(connection, user)
            if user_id is not None and repository.remove(connection, user_id, movie_id):
                users.set_revision(connection, user_id, users.next_revision(connection))

    def page(self, user: str, query: RatingsQuery) -> RatingsPage:
        """Return some of the ratings of a user."""
        cursor = cursors.decode(RatingsCursor, query.cursor)
        with self.database.read() as connection:
            rows = repository.page(
                connection,
                user,
                self.like_threshold,
                after=cursor.after if cursor else 0,
                limit=query.limit + 1,  # one more, to know whether it is the end
            )
        items = [_shown(row) for row in rows[: query.limit]]
        more = len(rows) > query.limit
        following = RatingsCursor(after=items[-1].movie_id).encode() if more else None
        return RatingsPage(items=items, next=following)

    def _results(
        self,
        given: Sequence[MovieRatingRequest],
        known: set[int],
        new: set[int],
        rated_at: datetime,
    ) -> Iterator[RatingResult]:
        unseen = set(new)
        for rating in given:
            movie_id = rating.movie_id
            if movie_id not in known:
                error = MovieNotFoundError(movie_id).shown
                yield RatingResult(movie_id=movie_id, status=404, rating=None, error=error)
                continue
            liked = rating.liked if rating.stars is None else rating.stars >= self.like_threshold
            shown = Rating(
                movie_id=movie_id, stars=rating.stars, liked=bool(liked), rated_at=rated_at
            )
            status: Literal[200, 201] = 201 if movie_id in unseen else 200
            unseen.discard(movie_id)
            yield RatingResult(movie_id=movie_id, status=status, rating=shown, error=None)

    def _read(self, connection: Connection, user: str, movie_id: int) -> Rating:
        row = repository.find(connection, user, movie_id, self.like_threshold)
        if row is None:
            raise RatingNotFoundError(movie_id)
        return _shown(row)


def _row(rating: MovieRatingRequest) -> dict[str, Any]:
    return rating.model_dump(include={"movie_id", "stars", "liked"})


def _shown(row: Row[Any]) -> Rating:
    return Rating(movie_id=row.movie_id, stars=row.stars, liked=row.liked, rated_at=row.rated_at)

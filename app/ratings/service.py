"""Opinions: given, changed, taken back, listed."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row

from app import cursors
from app.database import Database
from app.errors import MovieNotFoundError, RatingNotFoundError
from app.movies import repository as movies
from app.ratings import repository
from app.ratings.schemas import GivenRating, Rating, RatingsCursor, RatingsPage, RatingsQuery
from app.users import repository as users


class RatingService:
    """Keeps what people think of films."""

    def __init__(self, database: Database, like_threshold: float) -> None:
        self.database = database
        self.like_threshold = like_threshold

    def put(self, user: str, movie_id: int, given: GivenRating) -> tuple[Rating, bool]:
        """Record an opinion; also tell whether it is the first one about this film."""
        rated_at = datetime.now(UTC).replace(microsecond=0)
        with self.database.write() as connection:
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

    def get(self, user: str, movie_id: int) -> Rating:
        """Return one opinion."""
        with self.database.read() as connection:
            return self._read(connection, user, movie_id)

    def remove(self, user: str, movie_id: int) -> None:
        """Take an opinion back; one that was never given is no error and changes nothing."""
        with self.database.write() as connection:
            user_id = users.find_id(connection, user)
            if user_id is not None and repository.remove(connection, user_id, movie_id):
                users.set_revision(connection, user_id, users.next_revision(connection))

    def page(self, user: str, query: RatingsQuery) -> RatingsPage:
        """Return some of the opinions of a user."""
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

    def _read(self, connection: Connection, user: str, movie_id: int) -> Rating:
        row = repository.find(connection, user, movie_id, self.like_threshold)
        if row is None:
            raise RatingNotFoundError(movie_id)
        return _shown(row)


def _shown(row: Row[Any]) -> Rating:
    return Rating(movie_id=row.movie_id, stars=row.stars, liked=row.liked, rated_at=row.rated_at)

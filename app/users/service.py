"""Users: listed, exported, erased."""

from datetime import UTC, datetime

from app.db import audit
from app.db.audit import Action
from app.db.engine import Database
from app.events import repository as events
from app.events.schemas import Event
from app.feedback import repository as feedback
from app.feedback.schemas import Feedback
from app.http import cursors
from app.ratings import repository as ratings
from app.ratings import user_repository
from app.ratings.errors import UserNotFoundError
from app.ratings.schemas import Rating
from app.users import repository
from app.users.schemas import ListedUser, SeenMovie, User, UsersCursor, UsersPage, UsersQuery
from data.movie_keys import public_key


class UserService:
    """Knows everything that is stored about a user."""

    def __init__(self, database: Database, like_threshold: float) -> None:
        self.database = database
        self.like_threshold = like_threshold

    def page(self, query: UsersQuery) -> UsersPage:
        """Return some of the users."""
        cursor = cursors.decode(UsersCursor, query.cursor)
        if cursor and cursor.since != query.since:
            raise cursors.malformed()
        after = cursor.after if cursor else 0
        with self.database.read() as connection:
            revision = repository.ratings_revision(connection)
            # One more tells whether there is a next page.
            rows = repository.page(
                connection, since=query.since, after=after, limit=query.limit + 1
            )
        revision = cursor.ratings_revision if cursor else revision
        shown = rows[: query.limit]
        following = None
        if len(rows) > query.limit:
            following = UsersCursor(
                after=shown[-1].id, since=query.since, ratings_revision=revision
            ).encode()
        items = [ListedUser.model_validate(row) for row in shown]
        return UsersPage(items=items, ratings_revision=revision, next=following)

    def export(self, user: str) -> User:
        """Return all that is stored about a user."""
        with self.database.read() as connection:
            row = user_repository.find(connection, user)
            if row is None:
                raise UserNotFoundError
            rated = ratings.page(connection, user, self.like_threshold)
            seen = repository.seen(connection, user)
            happened = events.page(connection, user, ())
            came = feedback.of_user(connection, user)
        return User(
            user=row.key,
            imported_from=row.imported_from,
            ratings_revision=row.ratings_revision,
            ratings=[Rating.model_validate(rating) for rating in rated],
            seen=[
                SeenMovie(movie_id=public_key(id_, key), hidden=hidden, seen_at=seen_at)
                for id_, key, hidden, seen_at in seen
            ],
            events=[Event.of(event) for event in happened],
            feedback=[Feedback.of(each) for each in came],
        )

    def erase(self, user: str, *, by: str | None = None) -> None:
        """Delete all that is stored about a user; an unknown user is no error."""
        with self.database.unit_of_work() as connection:
            if user_repository.erase(connection, user, datetime.now(UTC)):
                audit.record(connection, by, Action.USER_ERASED)

"""All that is kept of a user: given out, and erased."""

from datetime import UTC, datetime

from app.core.errors import UserNotFoundError
from app.db.engine import Database
from app.ratings import repository as ratings
from app.ratings import user_repository as repository
from app.ratings.schemas import Rating, User


class UserService:
    """Answers for what is kept of people."""

    def __init__(self, database: Database, like_threshold: float) -> None:
        self.database = database
        self.like_threshold = like_threshold

    def export(self, user: str) -> User:
        """Return everything that is kept of somebody."""
        with self.database.read() as connection:
            row = repository.find(connection, user)
            if row is None:
                raise UserNotFoundError
            rated = ratings.all_of(connection, user, self.like_threshold)
        return User(
            user=row.key,
            imported_from=row.imported_from,
            ratings_revision=row.ratings_revision,
            ratings=[Rating.model_validate(rating, from_attributes=True) for rating in rated],
        )

    def erase(self, user: str) -> None:
        """Delete everything that is kept of somebody; somebody unknown is no error."""
        with self.database.unit_of_work() as connection:
            repository.erase(connection, user, datetime.now(UTC))

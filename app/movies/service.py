"""Films, one at a time."""

from app.database import Database
from app.errors import MovieNotFoundError
from app.movies import repository
from app.movies.schemas import Movie


class MovieService:
    """Answers questions about films."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def get(self, movie_id: int) -> Movie:
        """Return one film."""
        with self.database.read() as connection:
            row = repository.find(connection, movie_id)
        if row is None:
            raise MovieNotFoundError(movie_id)
        return Movie(
            movie_id=row.id,
            title=row.title,
            year=row.year,
            genres=row.genres,
            imdb_id=row.imdb_id,
            tmdb_id=row.tmdb_id,
        )

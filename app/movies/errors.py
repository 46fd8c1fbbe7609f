"""Errors about movies."""

from app.core.errors import AppError


class MovieNotFoundError(AppError, status=404):
    """There is no such movie."""

    message = "There is no movie {movie_id}."
    sample = {"movie_id": 999999}

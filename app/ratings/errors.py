"""Errors about users and their ratings."""

from app.core.errors import AppError


class UserNotFoundError(AppError, status=404):
    """Nothing is known of this user."""


class RatingNotFoundError(AppError, status=404):
    """This user has not rated this movie."""

    message = "This user has not rated movie {movie_id}."
    sample = {"movie_id": 2959}

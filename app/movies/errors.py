"""Errors about movies."""

from app.core.errors import AppError


class MovieNotFoundError(AppError, status=404):
    """There is no such movie."""

    message = "There is no movie {movie_id}."
    sample = {"movie_id": 999999}


class MovieExistsError(AppError, status=409):
    """There is a movie with this key already; PUT replaces it."""

    message = "There is a movie {movie_id} already."
    sample = {"movie_id": "sku-18"}


class MovieKeyRefusedError(AppError, status=409):
    """This key cannot be stored beside that of another movie, which has the same hash."""

    message = "The key {movie_id} has the same hash as that of another movie: choose another key."
    sample = {"movie_id": "sku-18"}

"""Errors about recommendations."""

from app.core.errors import AppError


class ScenarioNotFoundError(AppError, status=404):
    """There is no such scenario."""

    message = "There is no scenario {name}."
    sample = {"name": "home"}

"""Errors of the store of the models."""

from app.core.errors import AppError


class VersionTakenError(Exception):
    """A new model has drawn the version of another one."""

    def __init__(self, version: str) -> None:
        super().__init__(f"there is a model {version} already")


class ModelStoreUnavailableError(AppError, status=503):
    """The store of the models cannot be used at the moment; nothing was changed."""

    headers = {"Retry-After": "5"}

    def __init__(self, reason: str = "") -> None:
        """Keep the reason for the log and the terminal; clients learn no address of a store."""
        self.reason = reason
        super().__init__()

    def __str__(self) -> str:
        """Return the line for operators."""
        return f"the store of the models cannot be used: {self.reason}"

"""Errors about who may do what, and how often."""

from app.core.errors import OPEN, AppError, ServiceOverloadedError


class UnauthorizedError(AppError, status=401):
    """The request needs a valid API key: `Authorization: Bearer <key>`."""

    headers = {"WWW-Authenticate": 'Bearer realm="recommender"'}


class InsufficientScopeError(AppError, status=403):
    """The API key does not have the scope that this route needs."""

    message = "This needs a key with the scope `{scope}`."
    sample = {"scope": "write"}


class ForeignOriginError(AppError, status=403):
    """A page of another site has sent the request."""

    meaning = (
        "A page of another site has sent the request. Without a key, such a page must be named in "
        "the setting RECOMMENDER_CORS_ORIGINS."
    )


class TooManyRequestsError(AppError, status=429):
    """More requests than the limit allows; `Retry-After` says when the next one may come."""


# What every route that needs a key may answer.
COMMON = (
    *OPEN,
    UnauthorizedError,
    InsufficientScopeError,
    TooManyRequestsError,
    ServiceOverloadedError,
)

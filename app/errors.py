"""What can go wrong, as classes: each has its status, and all answer in one JSON shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

RETRY_SOON = MappingProxyType({"Retry-After": "1"})


class ErrorBody(BaseModel):
    """The shape of every error: `error` for programs, `detail` for people."""

    model_config = ConfigDict(extra="allow")

    error: str = Field(examples=["MovieNotFound"])
    detail: str = Field(examples=["There is no movie 999999."])


class FieldError(BaseModel):
    """One thing that is wrong with the input, and where."""

    location: list[str | int] = Field(examples=[["query", "limit"]])
    message: str = Field(examples=["Input should be greater than or equal to 1"])
    type: str = Field(examples=["greater_than_equal"])


class InvalidRequestBody(ErrorBody):
    """The shape of the error for malformed input."""

    fields: list[FieldError]


class AppError(Exception):
    """An error that a client is told about; the class decides the status and the name."""

    status: ClassVar[int] = 500
    error: ClassVar[str] = "InternalError"
    meaning: ClassVar[str] = "The service failed; the cause is in its log."
    body: ClassVar[type[ErrorBody]] = ErrorBody
    headers: ClassVar[Mapping[str, str]] = MappingProxyType({})
    example: ClassVar[Mapping[str, Any]] = MappingProxyType({})  # what differs from the above

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        super().__init__(detail or self.meaning)
        self.detail = detail or self.meaning
        self.extra = extra

    @property
    def shown(self) -> ErrorBody:
        """What a client is told."""
        return self.body(error=self.error, detail=self.detail, **self.extra)

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Give the answer that tells a client about this error."""
        return Response(
            self.shown.model_dump_json(),
            self.status,
            {**self.headers, **(headers or {})},
            media_type="application/json",
        )


class InternalError(AppError):
    """Something that should not happen did."""


class InvalidRequestError(AppError):
    """Malformed input."""

    status = 422
    error = "InvalidRequest"
    meaning = "The input is malformed; `fields` says where."
    body = InvalidRequestBody
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "query.limit: Input should be greater than or equal to 1",
        "fields": [
            {
                "location": ["query", "limit"],
                "message": "Input should be greater than or equal to 1",
                "type": "greater_than_equal",
            }
        ],
    }

    def __init__(self, fields: Sequence[FieldError]) -> None:
        first = fields[0]
        where = ".".join(str(part) for part in first.location)
        more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
        super().__init__(f"{where}: {first.message}{more}", fields=list(fields))

    @classmethod
    def at(cls, location: Sequence[str | int], message: str, kind: str) -> InvalidRequestError:
        """Report one field."""
        return cls([FieldError(location=list(location), message=message, type=kind)])


class UnauthorizedError(AppError):
    """No key, or one that is not valid."""

    status = 401
    error = "Unauthorized"
    meaning = "The request needs a valid API key: `Authorization: Bearer <key>`."
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer realm="recommender"'})


class InsufficientScopeError(AppError):
    """The key is valid, but not for this."""

    status = 403
    error = "InsufficientScope"
    meaning = "The API key does not have the scope that this route needs."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "This needs a key with the scope `write`.",
        "scope": "write",
    }

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs a key with the scope `{scope}`.", scope=scope)


class TooManyRequestsError(AppError):
    """Faster than the limit of this key or this address."""

    status = 429
    error = "TooManyRequests"
    meaning = "More requests than the limit allows; `Retry-After` says when the next one may come."


class RouteNotFoundError(AppError):
    """No such path."""

    status = 404
    error = "RouteNotFound"
    meaning = "Nothing is served at this path."


class MovieNotFoundError(AppError):
    """No such film."""

    status = 404
    error = "MovieNotFound"
    meaning = "There is no such movie."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "There is no movie 999999.",
        "movie_id": 999999,
    }

    def __init__(self, movie_id: int) -> None:
        super().__init__(f"There is no movie {movie_id}.", movie_id=movie_id)


class UserNotFoundError(AppError):
    """Nobody of this key is known."""

    status = 404
    error = "UserNotFound"
    meaning = "Nothing is known of this user."


class ModelNotFoundError(AppError):
    """No model was published under this version."""

    status = 404
    error = "ModelNotFound"
    meaning = "There is no such model."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "There is no model 20261120T101500Z-3f2a.",
        "version": "20261120T101500Z-3f2a",
    }

    def __init__(self, version: str) -> None:
        super().__init__(f"There is no model {version}.", version=version)


class ReportNotFoundError(AppError):
    """The model has no report card, or its folder is away."""

    status = 404
    error = "ReportNotFound"
    meaning = "This model has no report card."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "Model 20261120T101500Z-3f2a has no report card.",
        "version": "20261120T101500Z-3f2a",
    }

    def __init__(self, version: str) -> None:
        super().__init__(f"Model {version} has no report card.", version=version)


class RatingNotFoundError(AppError):
    """The film is there, but this person has not rated it."""

    status = 404
    error = "RatingNotFound"
    meaning = "This user has not rated this movie."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "This user has not rated movie 2959.",
        "movie_id": 2959,
    }

    def __init__(self, movie_id: int) -> None:
        super().__init__(f"This user has not rated movie {movie_id}.", movie_id=movie_id)


class MethodNotAllowedError(AppError):
    """The path exists, but not for this method."""

    status = 405
    error = "MethodNotAllowed"
    meaning = "This path does not serve this method; the Allow header lists those it does."


class CursorExpiredError(AppError):
    """The list that a cursor points into is no longer the list."""

    status = 410
    error = "CursorExpired"
    meaning = (
        "The list has changed since this cursor was given (new ratings, another model, or another "
        "order of popularity): start again without a cursor."
    )


class ContentTooLargeError(AppError):
    """The body is larger than any valid one."""

    status = 413
    error = "ContentTooLarge"
    meaning = "The body of the request is larger than the service reads."


class HostNotAllowedError(AppError):
    """The Host header names something else than this service."""

    status = 421
    error = "HostNotAllowed"
    meaning = (
        "The service does not answer under the name in the Host header; see the setting "
        "RECOMMENDER_ALLOWED_HOSTS."
    )


class DatabaseUnavailableError(AppError):
    """The database does not answer, or not in time."""

    status = 503
    error = "DatabaseUnavailable"
    meaning = "The database cannot be reached at the moment."
    headers = RETRY_SOON


class NotReadyError(AppError):
    """The service is up but cannot do its work yet."""

    status = 503
    error = "NotReady"
    meaning = "The service cannot answer yet; `detail` says what is missing."
    headers = RETRY_SOON


def responses(*errors: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Describe errors for the OpenAPI document of a route."""
    described: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = described.setdefault(
            error.status,
            {
                "model": error.body,
                "description": "",
                "content": {"application/json": {"examples": {}}},
            },
        )
        entry["description"] = f"{entry['description']} **{error.error}**: {error.meaning}".strip()
        example = {"error": error.error, "detail": error.meaning, **error.example}
        entry["content"]["application/json"]["examples"][error.error] = {"value": example}
    return described


# What every route can answer, whatever it does; those about health need no key.
OPEN = (InternalError, HostNotAllowedError, DatabaseUnavailableError, NotReadyError)
COMMON = (*OPEN, UnauthorizedError, InsufficientScopeError, TooManyRequestsError)

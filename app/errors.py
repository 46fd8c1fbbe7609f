"""What can go wrong, as classes: each has its status, and all answer in one JSON shape."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

logger = logging.getLogger(__name__)

# A request can name a field, or repeat a value, of any length; an answer need not.
LONGEST_ECHO = 200

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

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Give the answer that tells a client about this error."""
        body = self.body(error=self.error, detail=self.detail, **self.extra)
        return Response(
            body.model_dump_json(),
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


# What every route can answer, whatever it does.
COMMON = (InternalError, HostNotAllowedError, DatabaseUnavailableError, NotReadyError)


def handle_errors(app: FastAPI) -> None:
    """Give every error of the application, of FastAPI and of the database the one shape."""
    app.exception_handler(AppError)(_app_error)
    app.exception_handler(RequestValidationError)(_invalid_request)
    app.exception_handler(HTTPException)(_http_error)
    for error in (OperationalError, InterfaceError, PoolTimeoutError):
        app.exception_handler(error)(_database_error)


async def _app_error(_request: Request, error: AppError) -> Response:
    return error.response()


async def _invalid_request(_request: Request, error: RequestValidationError) -> Response:
    fields = [
        FieldError(
            location=[_echo(part) for part in entry["loc"]],
            message=str(_echo(entry["msg"])).removeprefix("Value error, "),
            type=entry["type"],
        )
        for entry in error.errors()
    ]
    return InvalidRequestError(fields).response()


async def _http_error(_request: Request, error: HTTPException) -> Response:
    for kind in (RouteNotFoundError, ContentTooLargeError):
        if error.status_code == kind.status:
            return kind().response(error.headers)
    # What FastAPI says of a body that is no text, or nested deeper than Python can follow.
    return InvalidRequestError.at(["body"], error.detail, "json_invalid").response(error.headers)


async def _database_error(_request: Request, error: Exception) -> Response:
    logger.error("the database failed: %s", error, exc_info=error)
    return DatabaseUnavailableError().response()


def _echo(part: str | int) -> str | int:
    """Repeat a piece of the input, but no more of it than helps."""
    return part if isinstance(part, int) else part[:LONGEST_ECHO]

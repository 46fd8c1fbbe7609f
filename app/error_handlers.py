"""Gives every error of the application, of FastAPI and of the database the one shape."""

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from app.errors import (
    AppError,
    ContentTooLargeError,
    DatabaseUnavailableError,
    FieldError,
    InvalidRequestError,
    RouteNotFoundError,
)

logger = logging.getLogger(__name__)

# A request can name a field, or repeat a value, of any length; an answer need not.
LONGEST_ECHO = 200
# So many wrong fields are named; a request can have a hundred thousand.
MOST_FIELDS = 20


def handle_errors(app: FastAPI) -> None:
    """Answer for whatever goes wrong."""
    app.exception_handler(AppError)(_app_error)
    app.exception_handler(RequestValidationError)(_invalid_request)
    app.exception_handler(HTTPException)(_http_error)
    for error in (OperationalError, InterfaceError, PoolTimeoutError):
        app.exception_handler(error)(_database_error)


async def _app_error(_request: Request, error: AppError) -> Response:
    return error.response()


async def _invalid_request(_request: Request, error: RequestValidationError) -> Response:
    entries = error.errors()
    fields = [
        FieldError(
            location=[_echo(part) for part in entry["loc"]],
            message=str(_echo(entry["msg"])).removeprefix("Value error, "),
            type=entry["type"],
        )
        for entry in entries[:MOST_FIELDS]
    ]
    return InvalidRequestError(fields, len(entries) - len(fields)).response()


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

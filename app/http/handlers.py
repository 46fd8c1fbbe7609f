"""Exception handlers: every error is answered in the same JSON shape."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from re import Pattern

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Scope

from app.core.errors import (
    AppError,
    ContentTooLargeError,
    FieldError,
    InvalidRequestError,
    MethodNotAllowedError,
    RouteNotFoundError,
)
from app.core.logging import cause
from app.db.failures import to_app_error

logger = logging.getLogger(__name__)

# Names of fields and messages are cut off at this length.
MAX_ECHO_LENGTH = 200
# Wrong fields in one response; a request can have a hundred thousand.
MAX_FIELDS = 20

# Failures of a statement that are ours, and not the database's.
FAULTS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)

# Name in the ASGI scope of the error that is answered.
FAILURE = "recommender.failure"

# Makes an HTML response from the error, the request and headers.
ErrorPage = Callable[[AppError, Scope, Mapping[str, str]], Response]


def respond(error: AppError, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response for an error: JSON, or HTML where there is an error page for it."""
    scope[FAILURE] = error
    page = _error_page(error, scope)
    return (
        page(error, scope, {**error.headers, **(headers or {})})
        if page
        else error.response(headers)
    )


def _error_page(error: AppError, scope: Scope) -> ErrorPage | None:
    """Return the page for errors below this path, or for an unknown path that a browser shows."""
    pages: Mapping[str, ErrorPage] = scope["app"].state.error_pages
    path = scope["path"]
    for prefix, page in pages.items():
        if prefix and (path == prefix or path.startswith(f"{prefix}/")):
            return page
    is_unknown = isinstance(error, RouteNotFoundError)
    return pages.get("") if is_unknown and _is_browser(scope) else None


def _is_browser(scope: Scope) -> bool:
    """Tell whether the response is to be shown as a page; programs do not name this type."""
    return "text/html" in Headers(scope=scope).get("accept", "")


def handle_errors(
    app: FastAPI, routers: Iterable[APIRouter], pages: Mapping[str, ErrorPage]
) -> None:
    """Register the handlers.

    `pages` are the error pages by path prefix; that of the empty one is for unknown paths.
    """
    app.state.error_pages = pages
    app.exception_handler(AppError)(_app_error)
    app.exception_handler(RequestValidationError)(_invalid_request)
    app.exception_handler(HTTPException)(_http_error)
    for error in (DatabaseError, InterfaceError, PoolTimeoutError):
        app.exception_handler(error)(_database_error)
    _answer_other_methods(app, routers)


async def _app_error(request: Request, error: AppError) -> Response:
    return respond(error, request.scope)


async def _invalid_request(request: Request, error: RequestValidationError) -> Response:
    entries = error.errors()
    fields = [
        FieldError(
            location=[_echo(part) for part in entry["loc"]],
            message=str(_echo(entry["msg"])).removeprefix("Value error, "),
            type=entry["type"],
        )
        for entry in entries[:MAX_FIELDS]
    ]
    return respond(InvalidRequestError(fields, len(entries) - len(fields)), request.scope)


async def _http_error(request: Request, error: HTTPException) -> Response:
    for kind in (RouteNotFoundError, ContentTooLargeError):
        if error.status_code == kind.status:
            return respond(kind(), request.scope, error.headers)
    # FastAPI's error for a body that is no text, or too deeply nested.
    invalid = InvalidRequestError.at(["body"], error.detail, "json_invalid")
    return respond(invalid, request.scope, error.headers)


async def _database_error(request: Request, error: SQLAlchemyError) -> Response:
    if isinstance(error, FAULTS):
        raise error
    return respond(told(error), request.scope)


def told(error: SQLAlchemyError) -> AppError:
    """Log a failure of the database, and return the error that a client is told about.

    In one line: while the database is away, every request that needs it ends here.
    """
    answer = to_app_error(error)
    logger.error("the database failed, %s: %s", answer.error, cause(error))
    return answer


def _echo(part: str | int) -> str | int:
    return part if isinstance(part, int) else part[:MAX_ECHO_LENGTH]


def _answer_other_methods(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """List all methods of a path in Allow; FastAPI lists those of its first route."""
    fixed: defaultdict[str, set[str]] = defaultdict(set)
    templates: defaultdict[Pattern[str], set[str]] = defaultdict(set)
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                served = (route.methods or set()) | {"OPTIONS"}
                served |= {"HEAD"} if "GET" in served else set()
                fixed[route.path] |= served
                templates[route.path_regex] |= served

    async def answer(request: Request, _error: Exception) -> Response:
        path = request.scope["path"]
        # `/recommendations/batch` also matches `/recommendations/{user}`.
        found = (
            [fixed[path]]
            if path in fixed
            else [served for pattern, served in templates.items() if pattern.match(path)]
        )
        headers = {"Allow": ", ".join(sorted({"OPTIONS"}.union(*found)))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        return respond(MethodNotAllowedError(), request.scope, headers)

    app.exception_handler(MethodNotAllowedError.status)(answer)

"""Errors that a client is told about; all have one JSON shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema
from typing_extensions import TypeAliasType

RETRY_SOON = {"Retry-After": "1"}


class _EveryCode:
    """Publishes a text as one of the codes of all errors."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        codes = sorted(error.error for error in AppError.__subclasses__())
        return {**handler(schema), "enum": codes, "description": "What went wrong, for programs"}


# An alias, and so a schema with a name.
ErrorCode = TypeAliasType("ErrorCode", Annotated[str, _EveryCode()])


class ErrorBody(BaseModel):
    """The shape of every error: `error` for programs, `detail` for people."""

    model_config = ConfigDict(extra="allow")

    error: ErrorCode = Field(examples=["MovieNotFound"])
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
    """Base of the errors; the name of a class, its docstring and its status are published.

    `message` is filled with the keyword arguments, which are also the further fields of the body;
    the example of the OpenAPI document is the error made with the arguments in `sample`.
    """

    status: ClassVar[int]
    error: ClassVar[str]
    meaning: ClassVar[str]
    message: ClassVar[str] = ""
    sample: ClassVar[Mapping[str, Any]] = {}
    body: ClassVar[type[ErrorBody]] = ErrorBody
    headers: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, status: int = 500) -> None:
        cls.status = status
        cls.error = vars(cls).get("error") or cls.__name__.removesuffix("Error")
        cls.meaning = vars(cls).get("meaning") or cls.__doc__ or cls.error

    def __init__(self, detail: str | None = None, **extra: Any) -> None:
        self.detail = detail or self.message.format(**extra) or self.meaning
        self.extra = extra
        super().__init__(self.detail)

    @property
    def shown(self) -> ErrorBody:
        """The body of the response."""
        return self.body(error=self.error, detail=self.detail, **self.extra)

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """Return the response."""
        return Response(
            self.shown.model_dump_json(),
            self.status,
            {**self.headers, **(headers or {})},
            media_type="application/json",
        )


class InternalError(AppError):
    """The service failed; the cause is in its log."""

    error = "InternalError"


class InvalidRequestError(AppError, status=422):
    """The input is malformed; `fields` says where."""

    body = InvalidRequestBody
    sample = {
        "fields": [
            FieldError(
                location=["query", "limit"],
                message="Input should be greater than or equal to 1",
                type="greater_than_equal",
            )
        ]
    }

    def __init__(self, fields: Sequence[FieldError], n_more: int = 0) -> None:
        """Report these fields, and how many more are wrong."""
        first = fields[0]
        where = ".".join(str(part) for part in first.location)
        n_more += len(fields) - 1
        more = f" (and {n_more} more)" if n_more else ""
        super().__init__(f"{where}: {first.message}{more}", fields=list(fields))

    @classmethod
    def at(cls, location: Sequence[str | int], message: str, kind: str) -> InvalidRequestError:
        """Report one field."""
        return cls([FieldError(location=list(location), message=message, type=kind)])


class InvalidHttpError(AppError, status=400):
    """This is not HTTP/1.1, or it could be understood in two ways."""


class RequestTimeoutError(AppError, status=408):
    """The client took too long to send the request."""


class HeadTooLargeError(AppError, status=431):
    """The request has more than 100 headers or 16 KiB in front of its body."""


class RouteNotFoundError(AppError, status=404):
    """Nothing is served at this path."""


class MethodNotAllowedError(AppError, status=405):
    """This path does not serve this method; the Allow header lists those it does."""


class ContentTooLargeError(AppError, status=413):
    """The body of the request is larger than the service reads."""


class HostNotAllowedError(AppError, status=421):
    """The Host header names another service."""

    meaning = (
        "The service does not answer under the name in the Host header; see the setting "
        "RECOMMENDER_ALLOWED_HOSTS."
    )


class DatabaseUnavailableError(AppError, status=503):
    """The database cannot be reached at the moment."""

    headers = RETRY_SOON


class ServiceOverloadedError(AppError, status=503):
    """More requests than can be answered in time; `Retry-After` says when to try again."""


class DatabaseBusyError(AppError, status=503):
    """A lock or an answer of the database took longer than a request waits; nothing was changed."""

    headers = {"Retry-After": "5"}


class DatabaseReadOnlyError(AppError, status=503):
    """The database takes no changes at the moment: it is read-only, or its disk is full."""

    headers = {"Retry-After": "5"}


class NotReadyError(AppError, status=503):
    """The service cannot answer yet; `detail` says what is missing."""

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
        example = error(**error.sample).shown.model_dump()
        entry["content"]["application/json"]["examples"][error.error] = {"value": example}
    return described


# What every route may answer; the routes about health need no key.
OPEN = (
    InternalError,
    HeadTooLargeError,
    HostNotAllowedError,
    DatabaseUnavailableError,
    DatabaseBusyError,
    DatabaseReadOnlyError,
    NotReadyError,
)

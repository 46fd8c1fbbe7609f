"""What can go wrong, as classes: each has its status, and all answer in one JSON shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
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

    def __init__(self, fields: Sequence[FieldError], n_more: int = 0) -> None:
        """Report these fields, and only the number of those that go too far."""
        first = fields[0]
        where = ".".join(str(part) for part in first.location)
        n_more += len(fields) - 1
        more = f" (and {n_more} more)" if n_more else ""
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


class ForeignFormError(AppError):
    """A form that no page of ours has sent, or one that has been open for too long."""

    status = 403
    error = "ForeignForm"
    meaning = (
        "The form did not come from a page of this service, or its page is out of date: load it "
        "again."
    )


class ForeignOriginError(AppError):
    """A page of another site made the browser send this."""

    status = 403
    error = "ForeignOrigin"
    meaning = (
        "A page of another site has sent the request. Without a key, such a page must be named in "
        "the setting RECOMMENDER_CORS_ORIGINS."
    )


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
    """No such movie."""

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


class ModelDamagedError(AppError):
    """The files of the model are not those that were published."""

    status = 409
    error = "ModelDamaged"
    meaning = "The files of this model are damaged or away, so it cannot be served."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "Model 20261120T101500Z-3f2a cannot be served: W.npy is damaged: its checksum is "
        "not the card's.",
        "version": "20261120T101500Z-3f2a",
    }

    def __init__(self, version: str, reason: str) -> None:
        super().__init__(f"Model {version} cannot be served: {reason}.", version=version)


class ModelRefusedError(AppError):
    """The gate refused the model, and nobody has said that it is to be served all the same."""

    status = 409
    error = "ModelRefused"
    meaning = "The gate has refused this model; say `anyway` to serve it all the same."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "Model 20261120T101500Z-3f2a was refused (it does not rank better than "
        "popularity); say `anyway` to serve it all the same.",
        "version": "20261120T101500Z-3f2a",
        "reasons": ["it does not rank better than popularity"],
    }

    def __init__(self, version: str, reasons: Sequence[str]) -> None:
        why = f" ({'; '.join(reasons)})" if reasons else ""
        super().__init__(
            f"Model {version} was refused{why}; say `anyway` to serve it all the same.",
            version=version,
            reasons=list(reasons),
        )


class ModelInUseError(AppError):
    """The model is served, or is what a rollback would serve."""

    status = 409
    error = "ModelInUse"
    meaning = "The active model and the one before it cannot be removed."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "Model 20261120T101500Z-3f2a is active, or the one before the active one, and "
        "cannot be removed.",
        "version": "20261120T101500Z-3f2a",
    }

    def __init__(self, version: str) -> None:
        super().__init__(
            f"Model {version} is active, or the one before the active one, and cannot be removed.",
            version=version,
        )


class ModelExistsError(AppError):
    """Another model has this version."""

    status = 409
    error = "ModelExists"
    meaning = "There is a model of this version already, and it is not the same."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "There is a model 20261120T101500Z-3f2a already, and it is not the same.",
        "version": "20261120T101500Z-3f2a",
    }

    def __init__(self, version: str) -> None:
        super().__init__(
            f"There is a model {version} already, and it is not the same.", version=version
        )


class NoPreviousModelError(AppError):
    """A rollback has nowhere to go."""

    status = 409
    error = "NoPreviousModel"
    meaning = "There is no model before the active one to go back to."


class OtherModelActivatedError(AppError):
    """Somebody else was faster."""

    status = 409
    error = "OtherModelActivated"
    meaning = "Another model has become active meanwhile: look again before going on."


class RatingNotFoundError(AppError):
    """The movie is there, but this user has not rated it."""

    status = 404
    error = "RatingNotFound"
    meaning = "This user has not rated this movie."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "This user has not rated movie 2959.",
        "movie_id": 2959,
    }

    def __init__(self, movie_id: int) -> None:
        super().__init__(f"This user has not rated movie {movie_id}.", movie_id=movie_id)


class TrainingRunNotFoundError(AppError):
    """There never was such a run."""

    status = 404
    error = "TrainingRunNotFound"
    meaning = "There is no such training run."
    example: ClassVar[Mapping[str, Any]] = {"detail": "There is no training run 12.", "run_id": 12}

    def __init__(self, run_id: int) -> None:
        super().__init__(f"There is no training run {run_id}.", run_id=run_id)


class TrainingInProgressError(AppError):
    """One training at a time."""

    status = 409
    error = "TrainingInProgress"
    meaning = "A training is in progress, and there is one at a time."
    example: ClassVar[Mapping[str, Any]] = {
        "detail": "Training run 12, asked for by key 0b1c6f3fd2a4 at 2026-11-20 10:15:00 UTC and "
        "held by trainer:4711, is in progress.",
        "run_id": 12,
        "holder": "trainer:4711",
    }

    def __init__(
        self, run_id: int, holder: str | None, requested_by: str, requested_at: datetime
    ) -> None:
        held = f"held by {holder}" if holder else "not begun yet"
        super().__init__(
            f"Training run {run_id}, asked for by {requested_by} at "
            f"{requested_at:%Y-%m-%d %H:%M:%S} UTC and {held}, is in progress.",
            run_id=run_id,
            holder=holder,
        )


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

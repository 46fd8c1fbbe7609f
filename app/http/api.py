"""Parts of every endpoint: request models, checks, access to the services, responses."""

from functools import cache
from typing import Annotated, Any, TypeVar, get_origin

from fastapi import Depends, Request, Response
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema

from app.config import Settings
from app.core.errors import InvalidRequestError
from app.db.engine import Database
from app.store.folder import ModelStore

T = TypeVar("T")

# More than any object has; each unknown field would be an error of its own.
MAX_FIELDS = 100


class RequestModel(BaseModel):
    """Parameters or a body; an unknown (misspelt) name is an error."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _not_very_many(cls, values: Any) -> Any:
        if isinstance(values, dict) and len(values) > MAX_FIELDS:
            raise ValueError(f"an object has at most {MAX_FIELDS} fields")
        return values


class _Omittable:
    """Leaves null out of the published schema of `X | None`; the model itself refuses null.

    `X | SkipJsonSchema[None]` is a union to pydantic, which reports an error for each branch.
    """

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        (wanted,) = [choice for choice in handler(schema)["anyOf"] if choice != {"type": "null"}]
        return dict(wanted)


# The last mark of an `Annotated[X | None, OMITTABLE]`.
OMITTABLE = _Omittable()


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# The last mark of an `Annotated[int, Field(strict=True, ...), WHOLE]`.
WHOLE = BeforeValidator(_whole)


def _iso(value: Any) -> Any:
    # Numbers would be taken for seconds or milliseconds, by their size.
    if isinstance(value, str) and "-" in value[1:]:
        return value
    raise ValueError("write it as 2026-11-20T10:15:00Z")


Moment = Annotated[AwareDatetime, BeforeValidator(_iso)]


class Services(dict[type, Any]):
    """The services of a running application, each by its type."""

    def add(self, service: T) -> T:
        """Register a service under its type."""
        self[type(service)] = service
        return service

    def find(self, kind: type[T]) -> T:
        """Return the service of this type."""
        service: T = self[kind]
        return service

    @property
    def database(self) -> Database:
        """The database."""
        return self.find(Database)

    @property
    def store(self) -> ModelStore:
        """The store of the models."""
        return self.find(ModelStore)

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.find(Settings)


# `async`, or FastAPI would hop to a worker thread for these lines alone.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDependency = Annotated[Services, Depends(_services)]


async def refuse_repeats(request: Request) -> None:
    """Refuse a second value of a parameter: each reader of the address would take another one."""
    given = request.query_params
    if len(given) == len(given.multi_items()):
        return
    for query in request.scope["route"].dependant.query_params:
        for name in _single(query.field_info.annotation):
            if len(given.getlist(name)) > 1:
                raise InvalidRequestError.at(["query", name], "Give one value", "repeated")


@cache
def _single(query: Any) -> tuple[str, ...]:
    """Name the fields of a model that are no lists."""
    fields = getattr(query, "model_fields", {}).items()
    return tuple(name for name, field in fields if get_origin(field.annotation) is not list)


def json_response(body: BaseModel, status: int = 200) -> Response:
    """Encode a response in the worker thread, without FastAPI's second validation."""
    return Response(body.model_dump_json(), status, media_type="application/json")

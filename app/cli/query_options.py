"""The parameters of a list as options of the command line, declared by its request model alone."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand
from typer.main import get_command

if TYPE_CHECKING:
    from app.recommendations.options import RecommendationsQuery

TYPES = {"integer": "INTEGER", "number": "NUMBER", "string": "TEXT"}


class QueryCommand(TyperCommand):
    """A command with an option for each field of the query; `context.obj` is the query.

    The request model is loaded when the command runs, and not with the others.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its parameters: those of the query stand before `--help`."""
        own = super().get_params(ctx)
        return [*own[:-1], *_options(), own[-1]]

    def invoke(self, ctx: Any) -> Any:
        """Check the query, then run the command."""
        given = {option.name: ctx.params.pop(option.name) for option in _options()}
        ctx.obj = _query({name: value for name, value in given.items() if value not in (None, [])})
        return super().invoke(ctx)


def _query(given: dict[str, str | list[str]]) -> RecommendationsQuery:
    from pydantic import ValidationError

    from app.recommendations.options import RecommendationsQuery

    try:
        return RecommendationsQuery.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name, *place = first["loc"]
        value = given[str(name)]
        for index in place:
            value = value[int(index)]
        message = str(first["msg"]).removeprefix("Value error, ")  # ours, which names the value
        if message == first["msg"] and isinstance(value, str):
            message = f"{value}: {message}"
        raise typer.BadParameter(message, param_hint=_flag(str(name))) from None


@cache  # typer asks several times
def _options() -> list[Any]:
    """Make the options: texts, which the request model reads as it reads those of a URL."""
    from app.recommendations.options import RecommendationsQuery

    fields = RecommendationsQuery.model_json_schema()["properties"]

    def query() -> None: ...

    parameters = [_parameter(name, field) for name, field in fields.items()]
    query.__annotations__ = {each.name: each.annotation for each in parameters}
    query.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    declared = typer.Typer(add_completion=False)
    declared.command()(query)
    return get_command(declared).params


def _parameter(name: str, field: dict[str, Any]) -> inspect.Parameter:
    several = field["type"] == "array"
    value = field["items"] if several else field
    option = typer.Option(
        _flag(name),
        help=field["description"] + _range(field),
        metavar="|".join(value.get("enum", ())) or TYPES[value.get("type", "string")],
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if field["default"] in (None, "", []) else str(field["default"]),
        annotation=Annotated[list[str] | None if several else str | None, option],
    )


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _range(field: dict[str, Any]) -> str:
    if "minimum" not in field:
        return ""
    return f" ({field['minimum']} to {field['maximum']})"

"""Reference pages that are made from the code: command, routes, Python."""

import inspect
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from html import escape
from pathlib import Path
from typing import Any

from typer.main import get_command

import data
import model
from app.cli.main import NAME
from app.cli.main import app as command
from app.main import create_app
from model.scoring import score_user

MADE = "Made from the code when the site is built.\n"
METHODS = ("get", "post", "put", "patch", "delete")


def write(folder: Path) -> None:
    """Write the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in {"command": commands(), "http": routes(), "python": python()}.items():
        (folder / f"{name}.md").write_text("\n".join(lines) + "\n", "utf-8")


def commands() -> Iterator[str]:
    """Yield the page of the command line: each command with its arguments and options."""
    yield from (
        "# The command",
        "",
        f"`{NAME} COMMAND --help` shows the same in the terminal. {MADE}",
    )
    for words, each in named_commands():
        yield from (f"## {' '.join(words)}", "", inspect.cleandoc(each.help or ""), "")
        rows = [_option(parameter) for parameter in each.params if not parameter.hidden]
        yield from _table(("Option", "Default", "Meaning"), rows)


def named_commands(
    group: Any = None, words: tuple[str, ...] = (NAME,)
) -> Iterator[tuple[Any, Any]]:
    """Yield each command with its words: `recommender`, `models`, `list`."""
    group = group or get_command(command)
    for name, each in sorted(group.commands.items()):
        if hasattr(each, "commands"):
            yield from named_commands(each, (*words, name))
        else:
            yield (*words, name), each


def routes() -> Iterator[str]:
    """Yield the page of the API: each route with its parameters and answers, then the schemas."""
    document = create_app().openapi()
    yield from ("# Routes and models", "", f"What `/openapi.json` says. {MADE}")
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield from _route(method, path, item[method])
    yield from ("## Models", "", "What requests and responses hold.", "")
    for name, schema in document["components"]["schemas"].items():
        yield from (f"### {name}", "", schema.get("description", ""), "")
        rows = [
            (f"`{field}`", _type(value), value.get("description", ""))
            for field, value in schema.get("properties", {}).items()
        ]
        yield from _table(("Field", "Type", "Meaning"), rows)


def python() -> Iterator[str]:
    """Yield the page of the Python functions that stay as they are from one version to the next."""
    yield from ("# Python", "", f'`pip install "recommender[train]"`. {MADE}')
    for module in (data, model):
        yield from (f"## Package {module.__name__}", "", _first(module.__doc__), "")
        for name in sorted(module.__all__, key=str.lower):
            yield from _documented(f"{module.__name__}.{name}", getattr(module, name))
    yield from ("## For one user", "")
    yield from _documented("model.scoring.score_user", score_user)


def _route(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield from (f"## {method.upper()} {escape(path)}", "", operation.get("description", ""), "")
    rows = [
        (f"`{each['name']}`", each["in"], _type(each["schema"]), each.get("description", ""))
        for each in operation.get("parameters", [])
    ]
    body = operation.get("requestBody", {}).get("content", {})
    rows += [("body", kind, _type(value.get("schema", {})), "") for kind, value in body.items()]
    yield from _table(("Parameter", "In", "Type", "Meaning"), rows)
    answers = [
        (f"`{status}`", _answer(answer), answer["description"].replace("\n", " "))
        for status, answer in operation["responses"].items()
    ]
    yield from _table(("Status", "Model", "Meaning"), answers)


def _answer(answer: dict[str, Any]) -> str:
    return ", ".join(_type(each.get("schema", {})) for each in answer.get("content", {}).values())


def _type(schema: dict[str, Any]) -> str:
    """Name the type of a value in few words; a model by a link."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    limits = [
        f"{sign} {schema[key]}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"))
        if key in schema
    ]
    return " ".join([schema.get("type", "any"), *limits])


def _option(parameter: Any) -> tuple[str, str, str]:
    names = parameter.opts + parameter.secondary_opts
    if parameter.param_type_name == "argument":
        names = [parameter.metavar or parameter.name.upper()]
    default = (
        parameter.show_default if isinstance(parameter.show_default, str) else parameter.default
    )
    if isinstance(default, Enum):
        default = default.value
    plain = not isinstance(default, bool) and isinstance(default, str | int | float | Path)
    return (
        ", ".join(f"`{name}`" for name in names),
        str(default) if plain else "",
        parameter.help or "",
    )


def _documented(name: str, thing: Any) -> Iterator[str]:
    signature = re.sub(r"\s*->\s*None$", "", _signature(thing))
    yield from (f"### {name}", "", "```text", f"{name}{signature}", "```", "")
    yield from _docstring(thing)
    if inspect.isclass(thing):
        for method, value in vars(thing).items():
            function = inspect.unwrap(getattr(value, "__func__", value))
            if not method.startswith("_") and inspect.isfunction(function):
                yield from (
                    f"#### {name}.{method}",
                    "",
                    "```text",
                    f"{method}{_signature(function)}",
                    "```",
                    "",
                )
                yield from _docstring(function)


def _signature(thing: Any) -> str:
    try:
        return str(inspect.signature(thing)).replace("'", "")
    except (TypeError, ValueError):
        return ""


def _docstring(thing: Any) -> Iterator[str]:
    """Yield the docstring: a sentence, then sections as they are, with symbols in columns."""
    text = inspect.getdoc(thing) or ""
    first, _, rest = text.partition("\n\n")
    yield from (escape(first.replace("\n", " "), quote=False), "")
    if rest.strip():
        yield from ("```text", rest, "```", "")


def _first(text: str | None) -> str:
    return inspect.cleandoc(text or "").partition("\n\n")[0]


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    for row in rows:
        cells = (cell.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""

"""Templates of all pages, and their content security policy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from starlette.types import Scope

from app.core.errors import AppError
from app.web.static import static_path

if TYPE_CHECKING:
    import jinja2

# Scripts and styles come from files of this service only, none are inline: markup in a title, if it
# were not escaped by mistake, could not run, load or send anything.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

VOWELS = frozenset("aeiou")


def render(name: str, *, root: str = "", **context: Any) -> str:
    """Render a template; `root` is the path prefix of the service behind a proxy."""

    def static(file: str) -> str:
        return root + static_path(file)

    return _environment().get_template(name).render(root=root, static=static, **context)


def show(
    request: Request,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    image_host: str = "",
    **context: Any,
) -> Response:
    """Return a page as a response; its images may come from one other host."""
    text = render(name, root=root_of(request), **context)
    policy = POLICY.replace("data:;", f"data: {image_host};") if image_host else POLICY
    return Response(
        text, status, {"Content-Security-Policy": policy, **(headers or {})}, media_type="text/html"
    )


def not_found_page(error: AppError, scope: Scope, headers: Mapping[str, str]) -> Response:
    """Render the error of a path that nothing is served at, for a browser."""
    root = scope.get("root_path", "").rstrip("/")
    page = render("not-found.html", root=root, detail=error.detail)
    policy = {"Content-Security-Policy": POLICY}
    return Response(page, error.status, {**headers, **policy}, media_type="text/html")


def root_of(request: Request) -> str:
    """Return the path prefix of the service behind a proxy, without a trailing slash."""
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - loaded with the first page, not at start-up

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["one"] = _one
    return environment


def _one(noun: str) -> str:
    """Write a noun with its article, by its first letter."""
    return f"an {noun}" if noun[:1].lower() in VOWELS else f"a {noun}"

"""Templates of all pages, and their content security policy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from app.web.static import static_path

if TYPE_CHECKING:
    import jinja2

# Scripts and styles come from files of this service only, none are inline: markup in a title, if it
# were not escaped by mistake, could not run, load or send anything.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


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
    **context: Any,
) -> Response:
    """Return a page as a response."""
    text = render(name, root=root_of(request), **context)
    return Response(
        text, status, {"Content-Security-Policy": POLICY, **(headers or {})}, media_type="text/html"
    )


def root_of(request: Request) -> str:
    """Return the path prefix of the service behind a proxy, without a trailing slash."""
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - loaded with the first page, not at start-up

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

"""What all pages share: their templates, and the policy that they are shown under."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response

from app.web.static import static_path

if TYPE_CHECKING:
    import jinja2

# Everything comes from files of this service, nothing is written into the page itself, so a title
# that were taken for markup by mistake still could neither run, nor load, nor send anything.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def render(name: str, *, root: str = "", **context: Any) -> str:
    """Fill in a template; `root` is the path under which a proxy shows the service."""

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
    """Answer with a page."""
    text = render(name, root=root_of(request), **context)
    return Response(
        text, status, {"Content-Security-Policy": POLICY, **(headers or {})}, media_type="text/html"
    )


def root_of(request: Request) -> str:
    """Return the path under which a proxy shows the service, without a slash at its end."""
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # noqa: PLC0415 - the first page waits for it, not the start

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

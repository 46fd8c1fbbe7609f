"""Errors under /admin as HTML pages."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import Response
from starlette.types import Scope

from app.core.errors import AppError
from app.web.rendering import POLICY, render

PATH = "/admin"


def error_page(error: AppError, scope: Scope, headers: Mapping[str, str]) -> Response:
    """Render an error as a page; without a session, redirect to the sign-in page."""
    root = scope.get("root_path", "").rstrip("/")
    others = {name: value for name, value in headers.items() if name != "WWW-Authenticate"}
    if error.status == HTTPStatus.UNAUTHORIZED:
        location = f"{root}{PATH}/sign-in"
        return Response(status_code=303, headers={**others, "Location": location})
    title = HTTPStatus(error.status).phrase
    page = render("admin/error.html", root=root, title=title, detail=error.detail)
    policy = {"Content-Security-Policy": POLICY}
    return Response(page, error.status, {**others, **policy}, media_type="text/html")

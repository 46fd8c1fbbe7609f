"""Who may use the operators' pages, and which forms are believed to come from them.

A browser gets one cookie. It stands for nobody until its holder signs in, and is then replaced by
another one, so that a cookie that somebody planted before is worth nothing. Each form holds a token
derived from it. While the service is open, which is on loopback without any key, nobody signs in,
but forms are checked all the same: any site can make a browser send one to a loopback address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, Request, Response

from app.admin.sessions import AT_MOST, find_session, form_token, new_token
from app.auth.keys import PRINCIPAL, UNRESTRICTED, KeyRing, Principal
from app.auth.scopes import Scope
from app.core.errors import ForeignFormError, UnauthorizedError
from app.http.api import ServicesDependency
from app.web import rendering as pages

# With this prefix browsers take the cookie from this host alone, for all of it, and never without
# TLS; they count 127.0.0.1 and localhost as safe.
COOKIE = "__Host-recommender-admin"
TOKEN_LENGTH = 43
HEADERS = {
    # `no-referrer` would make browsers hide the origin of forms, which is checked here.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MAX_FIELDS = 30


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever looks at the pages: `key` is the prefix of the key that they signed in with."""

    token: str
    has_cookie: bool
    key: str | None
    is_open: bool

    @property
    def may_operate(self) -> bool:
        """True for who has signed in, and for everybody while the service is open."""
        return self.is_open or self.key is not None


def _visitor(request: Request, services: ServicesDependency) -> Visitor:
    token = request.cookies.get(COOKIE, "")
    if services.find(KeyRing).is_open:
        key = None
    else:
        key = find_session(services.database, token) if len(token) == TOKEN_LENGTH else None
    has_cookie = len(token) == TOKEN_LENGTH
    return Visitor(
        token if has_cookie else new_token(), has_cookie, key, services.find(KeyRing).is_open
    )


AnyVisitor = Annotated[Visitor, Depends(_visitor)]


def _operator(request: Request, visitor: AnyVisitor) -> Visitor:
    if not visitor.may_operate:
        raise UnauthorizedError
    # For the log, and for what is recorded of who asked.
    request.scope[PRINCIPAL] = (
        Principal(visitor.key, frozenset({Scope.ADMIN})) if visitor.key else UNRESTRICTED
    )
    return visitor


Operator = Annotated[Visitor, Depends(_operator)]


class Form:
    """The fields of a form that was sent."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return self._fields.get(name, [])

    def one(self, name: str) -> str:
        """Return the value of a field, empty when it was not sent."""
        return self.all(name)[0].strip() if self.all(name) else ""

    def is_ticked(self, name: str) -> bool:
        """Tell whether a box was ticked."""
        return bool(self.one(name))


async def _form(request: Request, visitor: AnyVisitor) -> Form:
    """Read a form; raises `ForeignFormError` unless a page of ours has sent it."""
    _check_origin(request)
    if not visitor.has_cookie:
        raise ForeignFormError(
            "The browser sent no cookie. It keeps the cookie of this page only over HTTPS, or when "
            "the page is opened as http://127.0.0.1 or http://localhost."
        )
    body = (await request.body()).decode("utf-8", "replace")
    try:
        form = Form(parse_qs(body, max_num_fields=MAX_FIELDS))
    except ValueError as error:  # more fields than any form of ours has
        raise ForeignFormError from error
    if not compare_digest(form.one("form_token").encode(), form_token(visitor.token).encode()):
        raise ForeignFormError
    return form


SentForm = Annotated[Form, Depends(_form)]


def _check_origin(request: Request) -> None:
    """Refuse what another site sends: browsers say so, and no page can make them say otherwise."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:  # holds whatever a proxy has made of the Host header
        is_own = site == "same-origin"
    else:
        origin = urlsplit(request.headers.get("origin", "")).netloc
        is_own = bool(origin) and origin == request.headers.get("host")
    if not is_own:
        raise ForeignFormError


def show(
    request: Request,
    visitor: Visitor,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """Answer with a page for this visitor."""
    response = pages.show(
        request,
        f"admin/{name}",
        status=status,
        headers={**HEADERS, **(headers or {})},
        visitor=visitor,
        form_token=form_token(visitor.token),
        **context,
    )
    if not visitor.has_cookie:
        give_cookie(response, visitor.token)
    return response


def give_cookie(response: Response, token: str) -> None:
    """Let the browser keep a token, out of reach of scripts and of other sites."""
    response.set_cookie(
        COOKIE, token, max_age=int(AT_MOST.total_seconds()), secure=True, httponly=True,
        samesite="strict",
    )  # fmt: skip


def go_to(request: Request, path: str) -> Response:
    """Answer a form by leading to a page, so that loading it again sends nothing again."""
    location = f"{pages.root_of(request)}/admin{path}"
    return Response(status_code=303, headers={**HEADERS, "Location": location})

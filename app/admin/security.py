"""Access to the operators' pages: the session cookie, and protection of forms against CSRF.

A browser gets one cookie, which grants nothing. Signing in replaces it by another one, so that an
attacker gains nothing by planting a cookie before (session fixation). Each form holds a token
derived from the cookie. While the service is open (on loopback, before the first key) there is no
signing in, but forms are still checked: any site can make a browser send one to a loopback address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response

from app.admin.sessions import AT_MOST, find_session, form_token, new_token
from app.auth.errors import UnauthorizedError
from app.auth.keys import PRINCIPAL, UNRESTRICTED, KeyRing, Principal
from app.auth.origin import PageOrigin, page_origin
from app.auth.scopes import Scope
from app.core.errors import AppError
from app.http.api import ServicesDependency
from app.web import rendering as pages

# With this prefix browsers accept the cookie from this host alone, for all paths, and only over
# TLS; they treat 127.0.0.1 and localhost as secure.
COOKIE = "__Host-recommender-admin"
TOKEN_LENGTH = 43
HEADERS = {
    # With `no-referrer` browsers would hide the origin of forms, which is checked here.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MAX_FIELDS = 300  # of a scenario with all its rows


class ForeignFormError(AppError, status=403):
    """The form did not come from a page of this service."""

    meaning = (
        "The form did not come from a page of this service, or its page is out of date: load it "
        "again."
    )


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor of the pages; `key` is the prefix of the key that they signed in with."""

    token: str
    has_cookie: bool
    key: str | None
    is_open: bool

    @property
    def may_operate(self) -> bool:
        """True for visitors who have signed in, and for all while the service is open."""
        return self.is_open or self.key is not None


def _visitor(request: Request, services: ServicesDependency) -> Visitor:
    token, is_open = request.cookies.get(COOKIE, ""), services.find(KeyRing).is_open
    if len(token) != TOKEN_LENGTH:
        return Visitor(new_token(), has_cookie=False, key=None, is_open=is_open)
    key = None if is_open else find_session(services.database, token)
    return Visitor(token, has_cookie=True, key=key, is_open=is_open)


AnyVisitor = Annotated[Visitor, Depends(_visitor)]


def _operator(request: Request, visitor: AnyVisitor) -> Visitor:
    if not visitor.may_operate:
        raise UnauthorizedError
    # For the log, and for the record of who requested a change.
    request.scope[PRINCIPAL] = (
        Principal(visitor.key, frozenset({Scope.ADMIN})) if visitor.key else UNRESTRICTED
    )
    return visitor


Operator = Annotated[Visitor, Depends(_operator)]


class Form:
    """The fields of a form that was sent."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def texts(self) -> dict[str, str]:
        """Return the first value of each field."""
        return {name: self.one(name) for name in self._fields}

    def all(self, name: str) -> list[str]:
        """Return all values of a field."""
        return self._fields.get(name, [])

    def one(self, name: str) -> str:
        """Return the first value of a field, empty when it was not sent."""
        return self.all(name)[0].strip() if self.all(name) else ""

    def is_ticked(self, name: str) -> bool:
        """Tell whether a checkbox was ticked."""
        return bool(self.one(name))


async def _form(request: Request, visitor: AnyVisitor) -> Form:
    """Read a form; raises `ForeignFormError` unless a page of this service has sent it."""
    if page_origin(request.headers) is not PageOrigin.OWN:
        raise ForeignFormError
    if not visitor.has_cookie:
        raise ForeignFormError(
            "The browser sent no cookie. It keeps the cookie of this page only over HTTPS, or when "
            "the page is opened as http://127.0.0.1 or http://localhost."
        )
    body = (await request.body()).decode("utf-8", "replace")
    try:
        form = Form(parse_qs(body, max_num_fields=MAX_FIELDS))
    except ValueError as error:  # more fields than any form here has
        raise ForeignFormError from error
    if not compare_digest(form.one("form_token").encode(), form_token(visitor.token).encode()):
        raise ForeignFormError
    return form


SentForm = Annotated[Form, Depends(_form)]


def show(
    request: Request,
    visitor: Visitor,
    name: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """Return a page for this visitor."""
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
    """Store a token in the browser, out of reach of scripts and of other sites."""
    response.set_cookie(
        COOKIE, token, max_age=int(AT_MOST.total_seconds()), secure=True, httponly=True,
        samesite="strict",
    )  # fmt: skip


def go_to(request: Request, path: str) -> Response:
    """Redirect after a form to a page, so that reloading does not send the form again."""
    location = f"{pages.root_of(request)}/admin{path}"
    return Response(status_code=303, headers={**HEADERS, "Location": location})

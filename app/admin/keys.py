"""API keys on the operators' pages: list, create, revoke."""

import logging
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from app.admin.security import Form, Operator, SentForm, Visitor, go_to, show
from app.auth.dependencies import requester
from app.auth.keys import KeyRing
from app.auth.scopes import Scope
from app.auth.service import KeyNotFoundError, create_key, list_keys, revoke_key
from app.core.errors import RouteNotFoundError
from app.http.api import Services, ServicesDependency
from data.rules import MAX_NAME_LENGTH, flaw

router = APIRouter(prefix="/admin/keys", include_in_schema=False)
logger = logging.getLogger(__name__)

KeyPrefix = Annotated[str, Path(pattern=r"^[^\x00-\x1f]{1,16}$")]


@router.get("")
def get_keys(request: Request, visitor: Operator, services: ServicesDependency) -> Response:
    """List the keys, with a form that creates one."""
    return _show_keys(request, visitor, services)


@router.post("")
def post_key(
    request: Request, visitor: Operator, form: SentForm, services: ServicesDependency
) -> Response:
    """Create a key, and show it once."""
    name, scopes = form.one("name"), [Scope(s) for s in form.all("scope") if s in set(Scope)]
    problem = _problem(form)
    if problem:
        return _show_keys(request, visitor, services, status=422, problem=problem, key_name=name)
    key = create_key(services.database, scopes, name, by=requester(request))
    services.find(KeyRing).refresh()
    logger.info("key %s was created on the operators' pages", key.prefix)
    return show(request, visitor, "new-key.html", key=key, scopes=scopes, key_name=name)


@router.get("/{prefix}/revoke")
def get_revoke(
    prefix: KeyPrefix, request: Request, visitor: Operator, services: ServicesDependency
) -> Response:
    """Ask for confirmation of a revocation."""
    valid = [key for key in _keys(services) if key["revoked_at"] is None]
    key = next((key for key in valid if key["prefix"] == prefix), None)
    if key is None:
        raise RouteNotFoundError("There is no such valid key.")
    admins = [other for other in valid if Scope.ADMIN in other["scopes"]]
    return show(request, visitor, "revoke.html", key=key, is_last_admin=admins == [key])


@router.post("/{prefix}/revoke")
def post_revoke(
    prefix: KeyPrefix,
    request: Request,
    _visitor: Operator,
    _form: SentForm,
    services: ServicesDependency,
) -> Response:
    """Revoke a key."""
    with suppress(KeyNotFoundError):  # already revoked by another request
        revoke_key(services.database, prefix, by=requester(request))
        logger.info("key %s was revoked on the operators' pages", prefix)
    services.find(KeyRing).refresh()
    return go_to(request, "/keys")


def _show_keys(
    request: Request,
    visitor: Visitor,
    services: Services,
    *,
    status: int = 200,
    problem: str | None = None,
    key_name: str = "",
) -> Response:
    # Valid keys first, and in both parts the newest first.
    keys = _keys(services)[::-1]
    keys.sort(key=lambda key: key["revoked_at"] is not None)
    return show(
        request, visitor, "keys.html", status=status, keys=keys, problem=problem, key_name=key_name,
        longest_name=MAX_NAME_LENGTH,
    )  # fmt: skip


def _keys(services: Services) -> list[dict[str, Any]]:
    moments = ("created_at", "revoked_at")
    return [
        {**key, **{name: datetime.fromisoformat(key[name]) for name in moments if key[name]}}
        for key in list_keys(services.database)
    ]


def _problem(form: Form) -> str | None:
    if len(form.one("name")) > MAX_NAME_LENGTH:
        return f"A name has at most {MAX_NAME_LENGTH} characters."
    if flaw(form.one("name"), MAX_NAME_LENGTH):
        return "A name is one line of text."
    if not form.all("scope"):
        return "A key has to allow something: tick at least one box."
    unknown = [scope for scope in form.all("scope") if scope not in set(Scope)]
    return f"There is no scope {unknown[0]}." if unknown else None

"""Signing in with an admin key, and out."""

import logging

from fastapi import APIRouter, Request, Response

from app.admin.security import AnyVisitor, Operator, SentForm, give_cookie, go_to, show
from app.admin.sessions import close_session, new_token, open_session
from app.auth.addresses import client_address
from app.auth.keys import KeyRing
from app.auth.rate_limiter import Limiter
from app.auth.scopes import Scope
from app.http.api import ServicesDependency

router = APIRouter(prefix="/admin", include_in_schema=False)
logger = logging.getLogger(__name__)

# Against flooding; 256 random bits cannot be guessed anyway.
TRIES_PER_MINUTE = 10

NOT_VALID = "This key is not valid."
NOT_ADMIN = "This key is valid, but does not allow `admin`."


@router.get("/sign-in")
def get_sign_in(request: Request, visitor: AnyVisitor) -> Response:
    """Ask for a key."""
    if visitor.may_operate:
        return go_to(request, "")
    return show(request, visitor, "sign-in.html", problem=None)


@router.post("/sign-in")
def post_sign_in(
    request: Request, visitor: AnyVisitor, form: SentForm, services: ServicesDependency
) -> Response:
    """Exchange an admin key for a session."""
    tries: Limiter = request.app.state.sign_in_tries
    address = client_address(request.scope, services.settings.trusted_proxies)
    allowance = tries.take(address)
    if allowance and allowance.retry_s:
        problem = f"Too many tries; the next one may come in {allowance.retry_s} s."
        wait = {"Retry-After": str(allowance.retry_s)}
        return show(request, visitor, "sign-in.html", status=429, headers=wait, problem=problem)
    services.find(KeyRing).refresh()  # another process may just have made the key
    principal = services.find(KeyRing).find(form.one("key"))
    if principal is None or principal.prefix is None or not principal.may(Scope.ADMIN):
        problem = NOT_VALID if principal is None else NOT_ADMIN
        logger.warning("a key was refused on the operators' pages: %s", problem)
        return show(request, visitor, "sign-in.html", status=403, problem=problem)
    token = open_session(services.database, principal.prefix)
    logger.info("an operator has signed in with key %s", principal.prefix)
    close_session(services.database, visitor.token)
    response = go_to(request, "")
    give_cookie(response, token)
    return response


@router.post("/sign-out")
def post_sign_out(
    request: Request, visitor: Operator, _form: SentForm, services: ServicesDependency
) -> Response:
    """End the session."""
    close_session(services.database, visitor.token)
    response = go_to(request, "/sign-in")
    give_cookie(response, new_token())
    return response

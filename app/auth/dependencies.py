"""What a route needs: its dependency, and its mark in the OpenAPI document."""

from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.auth.keys import PRINCIPAL, may
from app.auth.scopes import Scope
from app.config import Settings
from app.core.errors import InsufficientScopeError, UnauthorizedError

bearer = HTTPBearer(
    scheme_name="ApiKey",
    description="A key made by `recommender keys create`: `Authorization: Bearer <key>`. Not "
    "asked for on a loopback address as long as no key was ever made.",
    auto_error=False,
)


class Visit(StrEnum):
    """What the page for people asks, and what may therefore be open to who has no key."""

    MOVIES = "films"  # what there is, and what to recommend for ratings that the request brings
    PUBLIC_USERS = "public_users"  # people of a public release


def open_visits(settings: Settings) -> frozenset[Visit]:
    """Tell what needs no key; people of a release only where nobody but this machine gets here."""
    if not settings.shows_public_page:
        return frozenset()
    return frozenset(Visit) if settings.is_private else frozenset({Visit.MOVIES})


class Requires:
    """Lets a request pass that has the scope, or that the page for people may send."""

    def __init__(self, scope: Scope, visit: Visit | None = None) -> None:
        self.scope = scope
        self.visit = visit

    # `async`, or FastAPI would hop to a worker thread for these lines alone.
    async def __call__(
        self,
        request: Request,
        _key: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    ) -> None:
        """Refuse whoever may not."""
        if may(request.scope, self.scope) or self.visit in request.app.state.open_visits:
            return
        principal = request.scope.get(PRINCIPAL)
        if principal is None or principal.prefix is None:
            raise UnauthorizedError
        raise InsufficientScopeError(self.scope)


def requester(request: Request) -> str:
    """Say who sent this request, for what is recorded of it."""
    principal = request.scope.get(PRINCIPAL)
    prefix = principal.prefix if principal else None
    return f"key {prefix}" if prefix else "somebody without a key"


# For `dependencies=[...]` of a router or route.
READ: Any = Depends(Requires(Scope.READ))
WRITE: Any = Depends(Requires(Scope.WRITE))
ADMIN: Any = Depends(Requires(Scope.ADMIN))
READ_MOVIES: Any = Depends(Requires(Scope.READ, Visit.MOVIES))
READ_PUBLIC_USERS: Any = Depends(Requires(Scope.READ, Visit.PUBLIC_USERS))

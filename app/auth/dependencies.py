"""Dependencies by which a route requires a scope."""

from collections.abc import MutableMapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.auth.errors import InsufficientScopeError, UnauthorizedError
from app.auth.keys import PRINCIPAL, may
from app.auth.scopes import Scope
from app.config import Settings

bearer = HTTPBearer(
    scheme_name="ApiKey",
    description="A key made by `recommender keys create`: `Authorization: Bearer <key>`. Not "
    "needed on a loopback address as long as no key was ever made.",
    auto_error=False,
)


class Visit(StrEnum):
    """Parts of the API that the public page uses, and that may therefore be open without a key."""

    MOVIES = "films"  # movies, and recommendations for the ratings in the request
    PUBLIC_USERS = "public_users"  # users of a public release


def open_visits(settings: Settings) -> frozenset[Visit]:
    """Return what needs no key; users of a release only where the service is private."""
    if not settings.shows_public_page:
        return frozenset()
    return frozenset(Visit) if settings.is_private else frozenset({Visit.MOVIES})


class Requires:
    """Allows requests that have the scope, or that the public page may send."""

    def __init__(self, scope: Scope, visit: Visit | None = None) -> None:
        self.scope = scope
        self.visit = visit

    # `async`: FastAPI would run a plain function in a worker thread.
    async def __call__(
        self,
        request: Request,
        _key: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    ) -> None:
        """Check again, for a request that came another way, and name the key in OpenAPI."""
        self.check(request.scope)

    def check(self, request: MutableMapping[str, Any]) -> None:
        """Refuse any other request; `app.http.middleware.admission` asks before it reads a body."""
        if may(request, self.scope) or self.visit in request["app"].state.open_visits:
            return
        principal = request.get(PRINCIPAL)
        if principal is None or principal.prefix is None:
            raise UnauthorizedError
        raise InsufficientScopeError(scope=self.scope)


def requester(request: Request) -> str:
    """Name the sender of this request, for records."""
    principal = request.scope.get(PRINCIPAL)
    prefix = principal.prefix if principal else None
    return f"key {prefix}" if prefix else "somebody without a key"


# For `dependencies=[...]` of a router or route.
READ: Any = Depends(Requires(Scope.READ))
WRITE: Any = Depends(Requires(Scope.WRITE))
ADMIN: Any = Depends(Requires(Scope.ADMIN))
READ_MOVIES: Any = Depends(Requires(Scope.READ, Visit.MOVIES))
READ_PUBLIC_USERS: Any = Depends(Requires(Scope.READ, Visit.PUBLIC_USERS))

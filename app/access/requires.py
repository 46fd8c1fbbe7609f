"""What a route needs: its dependency, and its mark in the OpenAPI document."""

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.access.keys import Scope
from app.access.layer import PRINCIPAL, may
from app.errors import InsufficientScopeError, UnauthorizedError

bearer = HTTPBearer(
    scheme_name="ApiKey",
    description="A key made by `recommender keys create`: `Authorization: Bearer <key>`. Not "
    "asked for on a loopback address as long as no key was ever made.",
    auto_error=False,
)


class Requires:
    """Lets a request pass that has the scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    # `async`, or FastAPI would hop to a worker thread for these lines alone.
    async def __call__(
        self,
        request: Request,
        _key: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    ) -> None:
        """Refuse whoever may not."""
        if may(request.scope, self.scope):
            return
        principal = request.scope.get(PRINCIPAL)
        if principal is None or principal.prefix is None:
            raise UnauthorizedError
        raise InsufficientScopeError(self.scope)


# For `dependencies=[...]` of a router or route.
READ: Any = Depends(Requires(Scope.READ))
WRITE: Any = Depends(Requires(Scope.WRITE))
ADMIN: Any = Depends(Requires(Scope.ADMIN))

"""Middleware for authentication and rate limits."""

from collections.abc import Collection, Sequence

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Request

from app.auth.addresses import Network, client_address
from app.auth.errors import ForeignOriginError, TooManyRequestsError, UnauthorizedError
from app.auth.keys import PRINCIPAL, UNAUTHENTICATED, UNRESTRICTED, KeyRing, Principal
from app.auth.origin import PageOrigin, page_origin
from app.auth.rate_limiter import Allowance, Limiter, cost
from app.core.errors import AppError, DatabaseUnavailableError
from app.http.handlers import respond
from app.http.middleware.guards import header
from app.http.middleware.response_cache import SAFE_METHODS
from app.http.middleware.responses import HEADERS

OPEN_PREFIX = "/health/"
AUTHORIZATION = b"authorization"
SCHEME = "bearer "

INVALID = {"WWW-Authenticate": 'Bearer realm="recommender", error="invalid_token"'}


class AccessMiddleware:
    """Puts the principal into the scope of a request; refuses wrong keys and too many requests.

    Each route names the scope that it needs (`app.auth.dependencies`). Health is never refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        per_key: int,
        per_address: int,
        trusted: Sequence[Network],
        is_private: bool,
        origins: Collection[str],
    ) -> None:
        self.app = app
        self.limits_open_access = not is_private
        self.origins = frozenset(origins)
        self.per_key = Limiter(per_key)
        self.per_address = Limiter(per_address)
        self.trusted = trusted

    async def __call__(self, scope: Request, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"].startswith(OPEN_PREFIX):
            await self.app(scope, receive, send)
            return
        services = getattr(scope["app"].state, "services", None)
        principal, error = UNAUTHENTICATED, None
        try:
            if services:
                principal = await self._principal(scope, services.find(KeyRing))
        except AppError as failed:
            error = failed
        allowance = self._count(scope, principal)
        if allowance:
            scope[HEADERS].extend(allowance.headers)
        if allowance and allowance.retry_s:
            error = TooManyRequestsError()
        elif principal is UNRESTRICTED and self._is_foreign(scope):
            error = ForeignOriginError()
        if error:
            headers = INVALID if isinstance(error, UnauthorizedError) else None
            await respond(error, scope, headers)(scope, receive, send)
            return
        scope[PRINCIPAL] = principal
        await self.app(scope, receive, send)

    async def _principal(self, scope: Request, keys: KeyRing) -> Principal:
        if not keys.is_loaded:
            try:
                await run_in_threadpool(keys.refresh)
            except SQLAlchemyError as error:
                raise DatabaseUnavailableError from error
        key = _presented_key(scope)
        if key is None:
            return UNRESTRICTED if keys.is_open else UNAUTHENTICATED
        principal = keys.find(key)
        if principal is None and not keys.is_open:
            raise UnauthorizedError("This API key is not valid.")
        return principal or UNRESTRICTED

    def _is_foreign(self, scope: Request) -> bool:
        """Tell whether a page of another site would change something.

        Any page can make a browser send a request to a loopback address; with a key it cannot.
        """
        if scope["method"] in SAFE_METHODS:
            return False
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin and not self.origins.isdisjoint((origin, "*")):
            return False
        return page_origin(headers) is PageOrigin.FOREIGN

    def _count(self, scope: Request, principal: Principal) -> Allowance | None:
        if principal is UNRESTRICTED and not self.limits_open_access:
            return None  # only this machine can reach the service
        price = cost(scope["path"], _body_length(scope))
        if principal.prefix is not None:
            return self.per_key.take(principal.prefix, price)
        return self.per_address.take(client_address(scope, self.trusted), price)


def _body_length(scope: Request) -> int | None:
    """Return the length of the body, None if it comes in chunks, without a length."""
    if header(scope, b"transfer-encoding") is not None:
        return None
    return int(header(scope, b"content-length") or 0)


def _presented_key(scope: Request) -> str | None:
    value = header(scope, AUTHORIZATION)
    if value is None:
        return None
    text = value.decode("latin-1")
    return text[len(SCHEME) :].strip() if text[: len(SCHEME)].lower() == SCHEME else text

"""Middleware that knows who asks: reads the key, counts the request against its limit."""

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Request

from app.auth.addresses import Network, client_address
from app.auth.keys import PRINCIPAL, UNAUTHENTICATED, UNRESTRICTED, KeyRing, Principal
from app.auth.rate_limiter import Allowance, Limiter
from app.core.errors import (
    AppError,
    DatabaseUnavailableError,
    ForeignOriginError,
    TooManyRequestsError,
    UnauthorizedError,
)
from app.http.handlers import respond
from app.http.middleware.guards import header
from app.http.middleware.response_cache import SAFE_METHODS
from app.http.middleware.responses import HEADERS

OPEN_PREFIX = "/health/"
AUTHORIZATION = b"authorization"
SCHEME = "bearer "

# What browsers say of requests of our own pages, and of what people type or have bookmarked.
OWN_SITES = frozenset({b"same-origin", b"none"})

INVALID = {"WWW-Authenticate": 'Bearer realm="recommender", error="invalid_token"'}


class AccessMiddleware:
    """Puts the principal into the scope of a request; refuses wrong keys and too many requests.

    What a route needs is said by the route, with `app.auth.dependencies`. Health is never refused.
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
        self.limits_everybody = not is_private
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
        try:
            principal = (
                await self._principal(scope, services.find(KeyRing))
                if services
                else UNAUTHENTICATED
            )
        except AppError as error:
            await self._refuse(error, self._count(scope, UNAUTHENTICATED), scope, receive, send)
            return
        allowance = self._count(scope, principal)
        if allowance and allowance.retry_s:
            await self._refuse(TooManyRequestsError(), allowance, scope, receive, send)
            return
        if principal is UNRESTRICTED and self._is_foreign(scope):
            await self._refuse(ForeignOriginError(), allowance, scope, receive, send)
            return
        scope[PRINCIPAL] = principal
        _tell(scope, allowance)
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
        origin = (header(scope, b"origin") or b"").decode("latin-1")
        if origin in self.origins or (origin and "*" in self.origins):
            return False
        site = header(scope, b"sec-fetch-site")
        if site is not None:  # holds whatever a proxy has made of the Host header
            return site not in OWN_SITES
        return bool(origin) and urlsplit(origin).netloc.encode("latin-1") != header(scope, b"host")

    def _count(self, scope: Request, principal: Principal) -> Allowance | None:
        if principal is UNRESTRICTED and not self.limits_everybody:
            return None  # open to this machine alone
        if principal.prefix is not None:
            return self.per_key.take(principal.prefix)
        return self.per_address.take(client_address(scope, self.trusted))

    async def _refuse(
        self,
        error: AppError,
        allowance: Allowance | None,
        scope: Request,
        receive: Receive,
        send: Send,
    ) -> None:
        if allowance and allowance.retry_s:
            error = TooManyRequestsError()
        headers = INVALID if isinstance(error, UnauthorizedError) else None
        _tell(scope, allowance)
        await respond(error, scope, headers)(scope, receive, send)


def _presented_key(scope: Request) -> str | None:
    value = header(scope, AUTHORIZATION)
    if value is None:
        return None
    text = value.decode("latin-1")
    return text[len(SCHEME) :].strip() if text[: len(SCHEME)].lower() == SCHEME else text


def _tell(scope: Request, allowance: Allowance | None) -> None:
    if allowance:
        scope[HEADERS].extend(allowance.headers)

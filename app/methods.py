"""Which methods a path serves: told to OPTIONS, and to whoever tried another one."""

from collections import defaultdict
from collections.abc import Iterable

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute

from app.errors import MethodNotAllowedError


def answer_other_methods(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Name all methods of a path in Allow; FastAPI names those of its first route alone."""
    allowed = _methods_by_template(routers)

    async def answer(request: Request, _error: Exception) -> Response:
        headers = {"Allow": ", ".join(sorted(allowed[request.scope["route"].path]))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        return MethodNotAllowedError().response(headers)

    app.exception_handler(MethodNotAllowedError.status)(answer)


def _methods_by_template(routers: Iterable[APIRouter]) -> dict[str, set[str]]:
    allowed: defaultdict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                methods = route.methods or set()
                allowed[route.path] |= methods | ({"HEAD"} if "GET" in methods else set())
    return dict(allowed)

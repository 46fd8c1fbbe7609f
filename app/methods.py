"""Which methods a path serves: told to OPTIONS, and to whoever tried another one."""

from collections import defaultdict
from collections.abc import Iterable
from re import Pattern

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from app.errors import MethodNotAllowedError


def refuse_method() -> Response:
    """Answer where a path would else be taken for one with a parameter: `/movies/search`."""
    raise HTTPException(MethodNotAllowedError.status)


def answer_other_methods(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """Name all methods of a path in Allow; FastAPI names those of its first route alone."""
    templates = _templates(routers)

    async def answer(request: Request, _error: Exception) -> Response:
        headers = {"Allow": ", ".join(sorted(_allowed(templates, request.scope["path"])))}
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        return MethodNotAllowedError().response(headers)

    app.exception_handler(MethodNotAllowedError.status)(answer)


def _allowed(templates: list[tuple[Pattern[str], set[str], bool]], path: str) -> set[str]:
    """Join the methods of all templates that a path fits; one without parameters comes alone."""
    allowed: set[str] = {"OPTIONS"}
    for pattern, methods, is_alone in templates:
        if pattern.match(path):
            if is_alone:
                return methods | {"OPTIONS"}
            allowed |= methods
    return allowed


def _templates(routers: Iterable[APIRouter]) -> list[tuple[Pattern[str], set[str], bool]]:
    methods: defaultdict[str, set[str]] = defaultdict(set)
    patterns: dict[str, Pattern[str]] = {}
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                patterns[route.path] = route.path_regex
                served = set() if route.endpoint is refuse_method else route.methods or set()
                methods[route.path] |= served | ({"HEAD"} if "GET" in served else set())
    return [(patterns[path], methods[path], "{" not in path) for path in patterns]

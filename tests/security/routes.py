"""Every route of the service: who may use it, and a request for it."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from fastapi.routing import APIRoute

from app.auth.scopes import Scope
from app.main import ROUTERS, create_app
from tests.app.recorded_world import version_of

READ, WRITE, ADMIN = Scope.READ, Scope.WRITE, Scope.ADMIN
EVENTS: dict[str, Any] = {"events": [{"user": "1", "movie_id": 10, "kind": "clicked"}]}
RATED: dict[str, Any] = {"ratings": [{"movie_id": 10, "liked": True}]}
FEEDBACK: dict[str, Any] = {
    "feedback": [{"recommendation_id": "AAAA", "movie_id": 10, "kind": "shown"}]
}
EXPERIMENT: dict[str, Any] = {"arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}]}


class Route(NamedTuple):
    """A route of the API; `scope` is what a key needs, None where none is needed."""

    method: str
    path: str
    scope: Scope | None
    body: Any = None

    def address(self, user: str = "1") -> str:
        """Return its path with things that exist."""
        names = {"user": user, "movie": "10", "version": version_of(2), "run_id": "1"}
        names["name"] = "home"
        return self.path.format(**names)


# In the order of the OpenAPI document.
API = [
    Route("GET", "/recommendations/{user}", READ),
    Route("POST", "/recommendations", READ, RATED),
    Route("POST", "/recommendations/batch", READ, {"users": ["1"]}),
    Route("POST", "/rank", READ, {"movies": [10, 20], "user": "1"}),
    Route("GET", "/users/{user}/predictions/{movie}", READ),
    Route("GET", "/movies/{movie}/similar", READ),
    Route("GET", "/model/features", READ),
    Route("GET", "/users/{user}/features", READ),
    Route("POST", "/features", READ, RATED),
    Route("GET", "/users/{user}/ratings", READ),
    Route("POST", "/users/{user}/ratings", WRITE, RATED),
    Route("GET", "/users/{user}/ratings/{movie}", READ),
    Route("PUT", "/users/{user}/ratings/{movie}", WRITE, {"liked": True}),
    Route("DELETE", "/users/{user}/ratings/{movie}", WRITE),
    Route("GET", "/users/{user}/public-ratings", READ),
    Route("POST", "/events", WRITE, EVENTS),
    Route("GET", "/users/{user}/events", READ),
    Route("POST", "/feedback", WRITE, FEEDBACK),
    Route("GET", "/feedback/report", READ),
    Route("GET", "/movies", READ),
    Route("POST", "/movies", ADMIN, {"title": "New"}),
    Route("GET", "/genres", READ),
    Route("GET", "/movies/search", READ),
    Route("GET", "/movies/trending", READ),
    Route("GET", "/movies/{movie}", READ),
    Route("PUT", "/movies/{movie}", ADMIN, {"title": "New"}),
    Route("PATCH", "/movies/{movie}", ADMIN, {"year": 1999}),
    Route("DELETE", "/movies/{movie}", ADMIN),
    Route("GET", "/users", ADMIN),
    Route("GET", "/users/{user}", ADMIN),
    Route("DELETE", "/users/{user}", ADMIN),
    Route("GET", "/models", READ),
    Route("GET", "/models/active", READ),
    Route("PUT", "/models/active", ADMIN, {"version": "20261120T101500Z-0000"}),
    Route("POST", "/models/rollback", ADMIN),
    Route("POST", "/models/prune", ADMIN, {"keep": 5}),
    Route("POST", "/models/import", ADMIN),
    Route("GET", "/models/{version}", READ),
    Route("DELETE", "/models/{version}", ADMIN),
    Route("GET", "/models/{version}/archive", ADMIN),
    Route("GET", "/models/{version}/report", READ),
    Route("GET", "/training-runs", ADMIN),
    Route("POST", "/training-runs", ADMIN, {"seed": 1}),
    Route("GET", "/training-runs/{run_id}", ADMIN),
    Route("GET", "/scenarios", READ),
    Route("GET", "/scenarios/{name}", READ),
    Route("PUT", "/scenarios/{name}", ADMIN, {"diversity": 0.5}),
    Route("DELETE", "/scenarios/{name}", ADMIN),
    Route("GET", "/scenarios/{name}/versions", READ),
    Route("GET", "/experiments", READ),
    Route("GET", "/experiments/{name}", READ),
    Route("PUT", "/experiments/{name}", ADMIN, EXPERIMENT),
    Route("POST", "/experiments/{name}/stop", ADMIN),
    Route("POST", "/experiments/{name}/promote", ADMIN, {"arm": "a"}),
    Route("GET", "/experiments/{name}/report", READ),
    Route("GET", "/experiments/{name}/shadows", READ),
    Route("GET", "/audit", ADMIN),
    Route("GET", "/health/live", None),
    Route("GET", "/health/ready", None),
    Route("GET", "/metrics", READ),
]
GUARDED = [route for route in API if route.scope is not None]

# Pages and files, which are not in the document. Those of operators need a session.
OPEN_PAGES = {
    ("GET", "/"), ("GET", "/docs"), ("GET", "/docs/start.js"), ("GET", "/docs/{asset}"),
    ("GET", "/static/{digest}/{name}"), ("GET", "/admin/sign-in"), ("POST", "/admin/sign-in"),
    ("POST", "/admin/sign-out"), ("GET", "/guide"), ("GET", "/guide/{path}"), ("GET", "/posters"),
}  # fmt: skip
OPERATORS_PAGES = {
    ("GET", "/admin"), ("GET", "/admin/models"), ("GET", "/admin/models/rollback"),
    ("POST", "/admin/models/rollback"), ("GET", "/admin/models/{version}"),
    ("GET", "/admin/models/{version}/report"), ("GET", "/admin/models/{version}/activate"),
    ("POST", "/admin/models/{version}/activate"), ("GET", "/admin/runs"), ("POST", "/admin/runs"),
    ("GET", "/admin/runs/{run_id}"), ("GET", "/admin/runs/{run_id}/events"),
    ("GET", "/admin/keys"), ("POST", "/admin/keys"), ("GET", "/admin/keys/{prefix}/revoke"),
    ("POST", "/admin/keys/{prefix}/revoke"), ("GET", "/admin/scenarios"),
    ("POST", "/admin/scenarios"), ("GET", "/admin/new-scenario"),
    ("GET", "/admin/scenarios/{name}"), ("GET", "/admin/scenarios/{name}/delete"),
    ("POST", "/admin/scenarios/{name}/delete"),
    ("GET", "/admin/experiments"), ("POST", "/admin/experiments"), ("GET", "/admin/new-experiment"),
    ("GET", "/admin/experiments/{name}"), ("GET", "/admin/experiments/{name}/stop"),
    ("POST", "/admin/experiments/{name}/stop"), ("GET", "/admin/experiments/{name}/promote"),
    ("POST", "/admin/experiments/{name}/promote"), ("GET", "/admin/feedback"),
    ("GET", "/admin/audit"),
}  # fmt: skip


def page_address(path: str) -> str:
    """Return the path of a page with things that exist."""
    return path.format(
        version=version_of(2), run_id="1", prefix="read", asset="x", digest="x", name="x", path="x"
    )


def registered() -> Iterator[tuple[str, APIRoute]]:
    """Yield what the application serves, by method."""
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute), route
            for method in sorted(route.methods or ()):
                yield method, route


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return create_app().openapi()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and description of each route of the document."""
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def bearer(key: str) -> dict[str, str]:
    """Return the header that sends a key of the world of these tests."""
    return {"Authorization": f"Bearer {key}.secret"}

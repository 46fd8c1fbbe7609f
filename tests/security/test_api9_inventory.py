"""API9:2023 Improper inventory management: what is served is what is documented, and no more."""

import re
from pathlib import Path

from fastapi import FastAPI

from app.main import create_app
from tests.security.routes import (
    API,
    OPEN_PAGES,
    OPERATORS_PAGES,
    document,
    operations,
    registered,
)

ROOT = Path(__file__).parents[2]


def test_the_document_has_every_route_and_each_has_its_scope_here() -> None:
    described = [(method, path) for method, path, _ in operations()]
    assert described == [(route.method, route.path) for route in API]
    served = {
        (method, re.sub(r":\w+}", "}", route.path))
        for method, route in registered()
        if route.include_in_schema
    }
    assert served == set(described)


def test_the_page_about_the_api_has_the_same_routes() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z]+) \| `(/[^`]*)` \|", page, re.MULTILINE)
    assert rows == list(dict.fromkeys(rows))
    assert set(rows) == {(route.method, route.path) for route in API}


def test_no_page_is_served_that_is_not_listed() -> None:
    pages = {
        (method, re.sub(r":\w+}", "}", route.path))
        for method, route in registered()
        if not route.include_in_schema
    }
    assert pages == OPEN_PAGES | OPERATORS_PAGES


def test_the_application_serves_nothing_beside_its_routers() -> None:
    """FastAPI adds the document itself; no other page of the framework, and no mounted folder."""
    known = {route.path for _, route in registered()}
    framework = {path for path in map(path_of, create_app().routes) if path} - known
    assert framework <= {"/openapi.json"}
    assert FastAPI().redoc_url  # it would be there if it were not switched off
    assert create_app().redoc_url is None


def path_of(route: object) -> str:
    return str(getattr(route, "path", ""))


def test_every_route_says_that_it_needs_a_key_exactly_if_it_does() -> None:
    needs = {(method, path): bool(op.get("security")) for method, path, op in operations()}
    assert needs == {(route.method, route.path): route.scope is not None for route in API}


def test_nothing_is_deprecated_and_the_version_is_that_of_the_program() -> None:
    from importlib.metadata import version  # noqa: PLC0415

    assert document()["info"]["version"] == version("recommender")
    assert not [path for _, path, operation in operations() if operation.get("deprecated")]

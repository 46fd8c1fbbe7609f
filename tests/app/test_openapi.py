"""The OpenAPI document, the page about the API, and what serving imports."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from app.auth import errors as auth_errors
from app.core.errors import OPEN, AppError, ErrorBody, InvalidRequestBody
from app.main import create_app
from app.movies.schemas import Movie
from app.ratings.schemas import Rating, RatingRequest
from app.recommendations.schemas import Reason, Recommendations
from data.rules import KEY_PATTERN

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
COMMON = {error.error for error in auth_errors.COMMON}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app().openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def error_names(operation: dict[str, Any]) -> set[str]:
    names: set[str] = set()
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            names |= response["content"]["application/json"]["examples"].keys()
    return names


def rows(heading: str) -> list[list[str]]:
    """Cells of the table under a heading of the page."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_page_lists_every_route_with_its_own_errors(document: dict[str, Any]) -> None:
    listed = {
        (method, path.strip("`")): set(re.findall(r"`(\w+)`", own))
        for method, path, _, own in rows("Routes")
    }
    assert listed == {
        (method, path): error_names(operation) - COMMON
        for method, path, operation in operations(document)
    }


def all_errors() -> list[type[AppError]]:
    return AppError.__subclasses__()


def test_the_page_lists_every_error() -> None:
    listed = [tuple(row) for row in rows("Errors")]
    expected = [(f"`{error.error}`", str(error.status), error.meaning) for error in all_errors()]
    assert sorted(listed) == sorted(expected)


def test_the_page_lists_every_reason() -> None:
    table = PAGE.split("| `reason` | Meaning |\n|---|---|\n")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [reason.value for reason in Reason]


def test_the_page_lists_every_parameter_of_recommendations(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/recommendations/{user}"]["get"]["parameters"]
    for parameter in parameters:
        if parameter["in"] == "query":
            assert f"| `{parameter['name']}` |" in PAGE
            default = parameter["schema"].get("default")
            assert not default or f"| `{parameter['name']}` | {default} |" in PAGE


def test_no_two_errors_have_one_name() -> None:
    names = [error.error for error in all_errors()]
    assert len(names) == len(set(names))


def test_every_error_of_a_route_is_described_in_the_one_shape(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) < 400:
                continue
            content = response["content"]["application/json"]
            body = InvalidRequestBody if status == "422" else ErrorBody
            assert content["schema"]["$ref"].endswith(f"/{body.__name__}")
            for name, example in content["examples"].items():
                assert name in response["description"]
                assert body.model_validate(example["value"]).error == name


def test_the_shape_of_errors_of_the_framework_is_nowhere(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_route_can_answer_what_every_route_can_answer(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        expected = {error.error for error in OPEN} if "/health/" in path else COMMON
        if path == "/health/live":
            expected = {"InternalError", "HostNotAllowed"}
        assert expected <= error_names(operation)


def test_every_operation_has_a_short_name_of_its_own_and_says_what_it_does(
    document: dict[str, Any],
) -> None:
    names = []
    for _, _, operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        (_,) = operation["tags"]
        names.append(operation["operationId"])
        assert re.fullmatch("[a-z]+([A-Z][a-z]+)*", names[-1])
    assert len(set(names)) == len(names)
    assert {"getRecommendations", "putRating", "postEvents"} <= set(names)


def schemas_in(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema below a part of the document."""
    if isinstance(node, list):
        for part in node:
            yield from schemas_in(part)
    elif isinstance(node, dict):
        for name, part in node.items():
            if name in {"schema", "items"}:
                yield part
            elif name in {"schemas", "properties"}:
                yield from part.values()
            elif name in {"anyOf", "oneOf", "allOf"}:
                yield from part
            if name not in {"example", "examples", "not"}:
                yield from schemas_in(part)


def test_every_schema_has_a_type(document: dict[str, Any]) -> None:
    """Without one it would be `Any` to a generated client."""
    found = list(schemas_in(document))
    assert len(found) > 500
    assert [
        schema
        for schema in found
        if not schema.keys() & {"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"}
    ] == []


def test_every_response_has_a_schema_or_no_body(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            content = response.get("content", {})
            assert bool(content) != (status in {"204", "304"}), (method, path, status)
            assert all("schema" in body for body in content.values()), (method, path, status)


def test_the_code_of_an_error_is_one_of_all(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for body in (ErrorBody, InvalidRequestBody):
        error = schemas[body.__name__]["properties"]["error"]
        assert error["$ref"] == "#/components/schemas/ErrorCode"
    assert schemas["ErrorCode"]["enum"] == sorted(error.error for error in all_errors())


@pytest.mark.parametrize("model", [RatingRequest, Rating, Movie, Recommendations])
def test_the_examples_are_valid(model: type[BaseModel]) -> None:
    examples = model.model_json_schema()["examples"]
    assert examples
    for example in examples:
        shown = model.model_validate(example).model_dump(mode="json", exclude_unset=True)
        assert shown == example


@pytest.mark.parametrize("of_movie", [False, True])
def test_a_rating_is_described_as_one_of_two_forms(
    document: dict[str, Any], *, of_movie: bool
) -> None:
    schemas, movie = document["components"]["schemas"], "Movie" if of_movie else ""
    forms = {f"{movie}StarsRating": "stars", f"{movie}LikeRating": "liked"}
    union = schemas[f"{movie}RatingRequest"]
    assert union["anyOf"] == [{"$ref": f"#/components/schemas/{form}"} for form in forms]
    for form, field in forms.items():
        assert schemas[form]["additionalProperties"] is False
        assert schemas[form]["required"] == ["movie_id"] * of_movie + [field]
        assert schemas[form]["properties"].keys() == set(schemas[form]["required"])


def test_a_user_key_is_described_by_its_pattern(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        if "{user}" in path:
            schema = operation["parameters"][0]["schema"]
            assert schema["pattern"] == KEY_PATTERN
            assert schema["maxLength"] == 128


def test_the_document_and_its_page_are_served(lone_client: TestClient) -> None:
    document = lone_client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    page = lone_client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "openapi.json" in lone_client.get("/docs/start.js").text


def test_serving_imports_no_training_library() -> None:
    code = (
        "import sys\n"
        "from app.main import create_app\n"
        "create_app().openapi()\n"
        "print(*sorted({'pandas', 'scipy', 'numba', 'pyarrow'} & sys.modules.keys()))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []

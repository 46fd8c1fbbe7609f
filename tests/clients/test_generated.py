"""What is generated from the API: the document, the Python client, models of another generator."""

import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from clients.generate import DOCUMENT, PACKAGE, document, generate

RENEW = "the API has changed: `make client` renews `clients/`"


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.suffix in {".py", ".typed"})
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in found}


def test_the_document_is_that_of_the_code() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), RENEW


def test_the_package_has_the_version_of_the_service() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    assert project["version"] == version("recommender")


def test_the_client_is_made_from_the_document_without_a_warning(tmp_path: Path) -> None:
    generate(tmp_path / PACKAGE.name)
    assert files(tmp_path / PACKAGE.name) == files(PACKAGE), RENEW


def test_datamodel_codegen_makes_models_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [
        sys.executable, "-W", "default", "-m", "datamodel_code_generator",
        "--input", str(DOCUMENT), "--input-file-type", "openapi", "--output", "api_models.py",
        "--output-model-type", "pydantic_v2.BaseModel", "--use-annotated",
        "--formatters", "builtin",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
    monkeypatch.syspath_prepend(tmp_path)
    models = import_module("api_models")
    assert models.StarsRating(stars=4.5).stars == 4.5

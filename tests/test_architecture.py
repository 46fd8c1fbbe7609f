"""Imports point one way: app -> model -> data, and within app/ by `ORDER`; figures of app/."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests import structure

ROOT = Path(__file__).parent.parent
WEB_AND_DATABASE = {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "psycopg", "typer"}
FORBIDDEN = {
    "data": {"app", "model", "migrations"} | WEB_AND_DATABASE,
    "model": {"app", "migrations"} | WEB_AND_DATABASE,
}


def imported_packages(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            found.add((node.module or "").partition(".")[0])
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_lower_layers_do_not_know_the_upper_ones(package: str) -> None:
    sources = sorted((ROOT / package).rglob("*.py"))
    assert sources
    for path in sources:
        wrong = imported_packages(path) & FORBIDDEN[package]
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


@pytest.mark.parametrize("package", ["app", "model", "data", "migrations"])
def test_no_pickle_anywhere(package: str) -> None:
    for path in sorted((ROOT / package).rglob("*.py")):
        wrong = imported_packages(path) & {"pickle", "shelve", "marshal", "joblib"}
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


@pytest.mark.parametrize(
    "module",
    ["model", "model.artifact", "model.sanity", "model.scoring", "data", "app.backup.job"],
)
def test_what_the_service_image_runs_imports_no_training_library(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "print(*sorted({'pandas', 'scipy', 'numba', 'pyarrow'} & sys.modules.keys()))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []


def test_rooms_import_those_before_them_in_the_order_alone() -> None:
    for path, importing, imported in structure.imports():
        assert structure.ORDER.index(imported) < structure.ORDER.index(importing), (
            f"{path.relative_to(ROOT)} imports app.{imported}"
        )


def test_app_is_a_set_of_rooms_without_circles_and_of_short_files_and_functions() -> None:
    figures = structure.figures()
    assert figures["files at the top of app/"] <= 5
    assert figures["circles of packages"] == 0
    assert figures["files on the way of a cache miss"] <= 32
    assert figures["lines of a function, median"] <= 8
    assert figures["lines of a file, median"] <= 130

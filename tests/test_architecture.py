"""Imports point one way: app -> model -> data."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

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
    "module", ["model", "model.artifact", "model.sanity", "model.scoring", "data"]
)
def test_what_serving_needs_of_the_model_imports_no_training_library(module: str) -> None:
    code = (
        f"import sys, {module}\n"
        "print(*sorted({'pandas', 'scipy', 'numba', 'pyarrow'} & sys.modules.keys()))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert loaded == []

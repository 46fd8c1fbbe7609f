"""Each promise of docs/security.md names tests that exist, and each test here keeps a promise."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = {
    cells[1].split()[0]: re.findall(r"`(tests/[^`]+)`", cells[3])
    for line in PAGE.partition("## What is promised and tested\n")[2].splitlines()[4:]
    if len(cells := [cell.strip() for cell in line.split("|")]) > 4 and not cells[1].startswith("-")
}


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_risk_has_a_promise_with_tests() -> None:
    assert [f"API{number}" for number in range(1, 11)] == [r for r in ROWS if r.startswith("API")]
    assert all(ROWS.values())


@pytest.mark.parametrize("name", sorted({name for names in ROWS.values() for name in names}))
def test_every_test_that_is_named_exists(name: str) -> None:
    file, _, test = name.partition("::")
    assert (ROOT / file).is_file()
    assert not test or test in functions_of(ROOT / file)


def test_every_file_of_tests_here_belongs_to_a_promise() -> None:
    here = {f"tests/security/{path.name}" for path in Path(__file__).parent.glob("test_api*.py")}
    assert here == {name for names in ROWS.values() for name in names if "/security/" in name}


def test_the_policy_is_linked_from_the_readme_and_from_the_page() -> None:
    assert "](SECURITY.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](../SECURITY.md)" in PAGE

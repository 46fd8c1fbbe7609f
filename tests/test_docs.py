"""What the maps for contributors name is there, and every link of the documents leads somewhere."""

import re
from pathlib import Path

import pytest

from tests.structure import ORDER

ROOT = Path(__file__).parent.parent
ARCHITECTURE, CONTRIBUTING = ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
# Names of folders and files; a path that begins with a slash is a route.
NAME = re.compile(r"\.?\w[\w.-]*(/[\w.-]*)+|[\w.-]+\.(md|yaml|toml)|\.env\.example")
# Made at run time.
RUNTIME = ("var/", ".checkpoint/", ".lists/", ".venv/")


def names_in(path: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    spans = set(re.findall(r"`([^`]+)`", text))
    return {span for span in spans if NAME.fullmatch(span) and not span.startswith(RUNTIME)}


@pytest.mark.parametrize("path", [ARCHITECTURE, CONTRIBUTING], ids=lambda path: path.stem)
def test_every_named_file_is_there(path: Path) -> None:
    names = names_in(path)
    assert len(names) > 10
    assert sorted(name for name in names if not (ROOT / name).exists()) == []


def test_every_room_is_described_in_its_order() -> None:
    section = ARCHITECTURE.read_text(encoding="utf-8").split("\n## The rooms of `app/`\n")[1]
    rooms = re.findall(r"^\| `(\w+)` \|", section.split("\n\n")[0], re.MULTILINE)
    assert rooms == list(ORDER)
    there = {path.stem for path in (ROOT / "app").iterdir()} - {"__init__", "__pycache__"}
    assert set(rooms) == there


def anchors_of(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = path.parent / file if file else path
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []

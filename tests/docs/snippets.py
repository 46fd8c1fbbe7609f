"""The code blocks of all documents."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of a document, by its path in the repository."""

    document: str
    language: str
    text: str


def blocks(*languages: str) -> Iterator[Block]:
    """Yield the blocks of these languages; "" is that of a block without one."""
    for path in DOCUMENTS:
        for _, language, text in BLOCK.findall(path.read_text(encoding="utf-8")):
            if language in languages:
                yield Block(str(path.relative_to(ROOT)), language, text)


def of(document: str, language: str) -> list[str]:
    """Return the blocks of a document in one language."""
    return [block.text for block in blocks(language) if block.document == document]


def commands() -> Iterator[tuple[str, str]]:
    """Yield document and line of what a reader may type: after `$` in a terminal, else any line."""
    for block in blocks("", "bash", "console"):
        for line in block.text.replace("\\\n", " ").splitlines():
            if block.language == "console":
                if line.lstrip().startswith("$ "):
                    yield block.document, line.lstrip()[2:]
            else:
                yield block.document, line.strip()

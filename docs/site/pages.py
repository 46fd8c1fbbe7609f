"""The pages of the site: the documents of the repository, with links that fit their new places."""

import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Documents elsewhere in the repository that are pages too, by the names of their pages.
ELSEWHERE = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "reporting.md",
    "clients/python/README.md": "python-client.md",
}
# What a page loads beside its text.
ASSETS = (".png", ".svg", ".css", ".js", ".json")
LINK = re.compile(r"(?P<image>!?)\[(?P<label>[^\]]*)\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^ {0,3}```", re.MULTILINE)


def documents() -> dict[str, str]:
    """Return the page of each document, by their paths in the repository and in the site."""
    own = (path for path in sorted(DOCS.rglob("*.md")))
    there = {name: page for name, page in ELSEWHERE.items() if (ROOT / name).exists()}
    return {str(path.relative_to(ROOT)): str(path.relative_to(DOCS)) for path in own} | there


def write(folder: Path) -> None:
    """Write all documents and what they load into a folder."""
    pages = documents()
    for name, page in pages.items():
        place = folder / page
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(moved((ROOT / name).read_text(encoding="utf-8"), name, pages), "utf-8")
    for path in assets():
        place = folder / path.relative_to(DOCS)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def assets() -> Iterator[Path]:
    """Yield images, styles and scripts of the documents; those of the site lie beside this file."""
    for path in sorted(DOCS.rglob("*")):
        if path.suffix in ASSETS and path.parent != DOCS / "site":
            yield path


def moved(text: str, name: str, pages: dict[str, str]) -> str:
    """Return a document whose links fit its place in the site.

    A link to a file that is no page becomes its label: the site stands without the repository.
    """

    def link(found: re.Match[str]) -> str:
        target, _, anchor = found["target"].partition("#")
        if not target or "://" in found["target"] or found["target"].startswith("mailto:"):
            return found[0]
        to = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
        page = pages.get(to)
        if page is None and to.startswith("docs/") and Path(to).suffix in ASSETS:
            page = to.removeprefix("docs/")
        if page is None:
            return found["label"]
        place = posixpath.relpath(page, posixpath.dirname(pages[name]) or ".")
        return f"{found['image']}[{found['label']}]({place}{'#' if anchor else ''}{anchor})"

    parts = FENCE.split(text)  # every second one is code
    for n in range(0, len(parts), 2):
        parts[n] = LINK.sub(link, parts[n])
    return "```".join(parts)

"""What a built site must keep: every link leads somewhere, and nothing comes from another host."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

LINK = re.compile(
    r"<(?P<tag>a|link|script|img|iframe|source)\b[^>]*?\b(?:href|src)=\"(?P<to>[^\"]*)\""
)
INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|\son[a-z]+=\"|<style")
ID = re.compile(r"\s(?:id|name)=\"([^\"]+)\"")


class BrokenSiteError(RuntimeError):
    """The site has links that lead nowhere, or needs another host; the message lists them."""


def check(folder: Path) -> None:
    """Raise BrokenSiteError unless the site keeps what it must."""
    problems = sorted(set(_problems(folder)))
    if problems:
        raise BrokenSiteError("the site is broken:\n" + "\n".join(problems))


def _problems(folder: Path) -> Iterator[str]:
    ids = {page: set(ID.findall(page.read_text("utf-8"))) for page in folder.rglob("*.html")}
    for page in sorted(ids):
        name, text = page.relative_to(folder), page.read_text("utf-8")
        yield from (f"{name}: {found.strip()} within the page" for found in INLINE.findall(text))
        for found in LINK.finditer(text):
            to = urlsplit(unescape(found["to"]))
            if to.scheme or to.netloc:
                if found["tag"] != "a":
                    yield f"{name}: {found['to']} of another host"
                continue
            target = (page.parent / unquote(to.path)).resolve() if to.path else page
            if not target.is_file():
                yield f"{name}: no file {found['to']}"
            elif (
                to.fragment
                and target in ids
                and unquote(to.fragment) not in ids[target] | {"__skip"}
            ):
                yield f"{name}: no place {found['to']}"

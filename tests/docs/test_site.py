"""The documentation as a site: its pages, and what is checked of them."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from docs.site import build as building
from docs.site import reference
from docs.site.build import BuildError, build
from docs.site.check import BrokenSiteError, check
from docs.site.pages import documents, moved

SITE = Path(sys.modules["docs.site"].__path__[0])
CONFIG = tomllib.loads((SITE / "zensical.toml").read_text(encoding="utf-8"))["project"]
MADE = {"rbm-in-20-minutes.md", *(f"reference/{name}.md" for name in ("command", "http", "python"))}


def pages_of(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    if isinstance(nav, dict):
        nav = nav.values()
    return [page for part in nav for page in pages_of(part)]


def test_the_navigation_has_every_page_once() -> None:
    named = pages_of(CONFIG["nav"])
    assert len(named) == len(set(named))
    # Decisions are reached by their list.
    written = {
        page for page in documents().values() if not re.match(r"decisions/\d", page)
    }  # fmt: skip
    assert set(named) == written | MADE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](api.md#errors)", "[a](api.md#errors)"),
        ("[a](../CONTRIBUTING.md)", "[a](contributing.md)"),
        ("[the code](../model/rbm.py)", "the code"),
        ("![p](images/p.png)", "![p](images/p.png)"),
        ("[o](https://example.org/x.md)", "[o](https://example.org/x.md)"),
        ("[h](#here)", "[h](#here)"),
        ("```\n[a](../CONTRIBUTING.md)\n```", "```\n[a](../CONTRIBUTING.md)\n```"),
    ],
)
def test_links_fit_the_place_of_a_page(text: str, expected: str) -> None:
    assert moved(text, "docs/model.md", documents()) == expected


def test_links_of_a_document_from_elsewhere_fit_too() -> None:
    text = "[map](docs/architecture.md#figures), [why](docs/decisions/0016-ids-from-keys.md)"
    expected = "[map](architecture.md#figures), [why](decisions/0016-ids-from-keys.md)"
    assert moved(text, "CONTRIBUTING.md", documents()) == expected


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('<a href="nowhere.html">x</a>', "no file nowhere.html"),
        ('<a href="#nowhere">x</a>', "no place #nowhere"),
        ('<img src="https://example.org/x.png">', "of another host"),
        ("<script>alert(1)</script>", "within the page"),
        ('<p onclick="x()">x</p>', "within the page"),
    ],
)
def test_a_site_that_is_broken_is_refused(tmp_path: Path, body: str, problem: str) -> None:
    (tmp_path / "index.html").write_text(f"<h1 id='a'>A</h1>{body}", encoding="utf-8")
    with pytest.raises(BrokenSiteError, match=problem):
        check(tmp_path)


def test_a_site_whose_links_lead_somewhere_is_not(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for page, other in (("index.html", "b/c.html#c"), ("b/c.html", "../index.html#c")):
        text = f'<h1 id="c">A</h1><a href="{other}">x</a><a href="https://example.org">y</a>'
        (tmp_path / page).write_text(text, encoding="utf-8")
    check(tmp_path)


def test_the_reference_has_every_command_route_and_function() -> None:
    commands, routes = "\n".join(reference.commands()), "\n".join(reference.routes())
    for heading in ("## recommender serve", "## recommender models rollback"):
        assert f"\n{heading}\n" in commands
    assert "| `--workers` |" in commands
    assert "\n## GET /recommendations/{user}\n" in routes
    assert "[ErrorBody](#errorbody)" in routes
    python = "\n".join(reference.python())
    for name in ("data.Interactions.from_arrays", "model.train", "model.RBM.scores"):
        assert re.search(rf"^#+ {name}$", python, re.MULTILINE), name


@pytest.mark.slow
def test_the_site_is_built_strictly_and_needs_no_other_host(tmp_path: Path) -> None:
    build(tmp_path / "guide")
    pages = {p.relative_to(tmp_path / "guide").as_posix() for p in tmp_path.rglob("*.html")}
    assert {"index.html", "how-it-works/by-hand.html", "reference/http.html"} <= pages
    check(tmp_path / "guide")


@pytest.mark.slow
def test_a_link_that_leads_nowhere_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(folder: Path) -> None:
        folder.mkdir()
        (folder / "index.md").write_text("[x](nowhere.md)", encoding="utf-8")

    monkeypatch.setattr(building, "write_pages", write)
    with pytest.raises(BuildError, match="nowhere"):
        build(tmp_path / "guide")
    assert not (tmp_path / "guide").exists()

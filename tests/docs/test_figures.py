"""The figures of *How it works*: those in the repository are what the code draws."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.site.figures import FIGURES, FOLDER
from docs.site.machines import DARK, TITLES, pass_up_and_down, six_movies, user
from model.rbm import LIKE

PAGES = sorted(FOLDER.parent.glob("*.md"))
NUMBER = re.compile(r"-?\d+\.\d+")
TRAINED = {"thinning"}  # on the sample, by compiled code
# Pixels: another processor rounds in another way.
NEAR, NEAR_TRAINED = 0.2, 4


def check(name: str, near: float) -> None:
    drawn = FIGURES[name]().svg()
    stored = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert NUMBER.sub("#", drawn) == NUMBER.sub("#", stored), "python -m docs.site.figures"
    found = [float(x) for x in NUMBER.findall(drawn)]
    assert found == pytest.approx([float(x) for x in NUMBER.findall(stored)], abs=near)
    ET.fromstring(drawn)  # noqa: S314 (our own text)


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - TRAINED))
def test_a_figure_of_the_repository_is_what_the_code_draws(name: str) -> None:
    check(name, NEAR)


@pytest.mark.slow
def test_the_figure_of_a_trained_model_is_what_the_code_draws() -> None:
    check("thinning", NEAR_TRAINED)


def test_every_figure_is_shown_with_a_text_for_those_who_cannot_see_it() -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    shown = dict(re.findall(r"!\[([^\]]+)\]\(figures/([\w-]+)\.svg\)", pages))
    assert sorted(shown.values()) == sorted(FIGURES) == sorted(p.stem for p in FOLDER.iterdir())
    assert all(len(text) > 20 for text in shown)


def test_the_six_movies_are_what_the_pages_say() -> None:
    W = six_movies().W[:, LIKE]
    assert (W[:DARK, 0] > 1).all()  # unit 1: thrillers
    assert (W[DARK:, 1] > 1).all()  # unit 2: animated
    hidden, visible = pass_up_and_down(user(("Memento",), ("Shrek",)))
    assert hidden[0] > 0.5
    assert hidden[1] < 0.1
    unseen = {title: like for title, (like, _) in zip(TITLES, visible, strict=True)}
    assert min(unseen["Fight Club"], unseen["The Departed"]) > 5 * unseen["Toy Story"]
    assert Path(FOLDER.parent / "passes.md").read_text(encoding="utf-8").count("about .4")

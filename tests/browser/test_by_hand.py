"""The page of the guide on which a reader steps through the machine."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from docs.site.machines import as_script, pass_up_and_down, updated, user, worked_example
from model.rbm import LIKE
from tests.browser.conftest import OpenPage

FOLDER = Path(__file__).parents[2] / "docs" / "how-it-works"


@pytest.fixture
def by_hand(tmp_path: Path, open_page: OpenPage) -> Page:
    """Open the parts of the page with their scripts, as a file."""
    text = (FOLDER / "by-hand.md").read_text(encoding="utf-8")
    scripts = re.findall(r'<script src="([\w.-]+)">', text)
    for name in scripts:
        if name == "machine.js":
            (tmp_path / name).write_text(as_script(), encoding="utf-8")
        else:
            shutil.copyfile(FOLDER / name, tmp_path / name)
    body = "".join(re.findall(r"^<.*>$", text, re.MULTILINE))
    page = tmp_path / "page.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><title>x</title>{body}', "utf-8")
    return open_page(page.as_uri())


def numbers(text: str) -> list[float]:
    return [float(x.replace("−", "-")) for x in re.findall(r"[-−]?\d+\.\d+", text)]


def test_a_step_in_the_browser_has_the_numbers_of_the_machine(by_hand: Page) -> None:
    part = by_hand.locator("#training-part")
    steps = part.locator("li")
    expect(steps).to_have_count(0)
    part.get_by_role("button", name="Next").click()
    expect(steps).to_have_count(1)
    step, after = worked_example(), updated(worked_example())
    assert numbers(steps.first.inner_text())[2:] == pytest.approx(step.p0, abs=5e-7)
    part.get_by_role("button", name="All").click()
    weights = numbers(steps.nth(7).inner_text())
    assert weights[4:] == pytest.approx(after.W[:, LIKE].ravel(), abs=5e-8)
    assert numbers(steps.nth(8).inner_text())[2:] == pytest.approx(after.a[:, LIKE], abs=5e-8)
    assert numbers(steps.nth(9).inner_text())[2:] == pytest.approx(after.b, abs=5e-8)
    assert numbers(steps.nth(10).inner_text()) == pytest.approx([0.2549, 0.2975], abs=5e-5)
    part.get_by_role("button", name="Again").click()
    expect(part).to_contain_text("Steps of training so far: 1. P(v₀) = 0.2975")
    part.get_by_label("κ").fill("0")
    part.get_by_label("κ").press("Enter")
    expect(steps).to_have_count(0)
    part.get_by_role("button", name="Start over").click()
    expect(part.get_by_label("κ")).to_have_value("0.1")


def test_two_opinions_become_a_list_of_the_other_movies(by_hand: Page) -> None:
    part = by_hand.locator("#six-movies-part")
    expect(part.get_by_role("button", name="Down")).to_be_disabled()
    part.get_by_role("button", name="Up").click()
    hidden, visible = pass_up_and_down(user(("Memento",), ("Shrek",)))
    expect(part).to_contain_text(f"on: {hidden[0]:.2f}")
    part.get_by_role("button", name="Down").click()
    expect(part).to_contain_text("First in the list: The Departed")
    expect(part).to_contain_text(f"like {visible[0, LIKE]:.2f}")
    part.get_by_role("button", name="Clear").click()
    expect(part.get_by_role("button", name="not seen")).to_have_count(6)
    part.get_by_role("button", name="not seen").first.click()
    expect(part.get_by_role("button", name="liked", exact=True)).to_have_count(1)
    part.get_by_role("button", name="Draw").click()
    expect(part).to_contain_text(re.compile(r"on: [01]\.00"))

"""The operators' pages in a real browser."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from app.admin.security import COOKIE
from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.db.engine import Database
from app.db.tables import training_runs
from app.jobs.schemas import RunState, TrainingOptions
from app.jobs.service import request_run
from tests.browser.conftest import OpenPage

Check = Callable[[Page], list[str]]
PAGES = {
    "Overview": "", "Models": "/models", "Training": "/runs", "Scenarios": "/scenarios",
    "Experiments": "/experiments", "Feedback": "/feedback", "Keys": "/keys", "Audit": "/audit",
}  # fmt: skip

LAST_MOVIE = """html => [
    ...new DOMParser().parseFromString(html, "text/html").querySelectorAll("#preview li bdi")
].at(-1).textContent"""


@pytest.fixture
def own_settings(sample_settings: Settings, tmp_path: Path) -> Settings:
    """A copy of the sample that a test may change."""
    folder = tmp_path / "copy"
    shutil.copytree(sample_settings.models_dir.parent, folder)
    return sample_settings.model_copy(
        update={
            "database_url": f"sqlite:///{folder / 'recommender.db'}",
            "models_dir": folder / "models",
        }
    )


@pytest.fixture
def key(own_settings: Settings) -> str:
    database = Database(own_settings.database_url)
    made = create_key(database, [Scope.ADMIN], "operator")
    database.dispose()
    return made.text


@pytest.fixture
def address(own_settings: Settings, key: str, serve: Callable[[Settings], str]) -> str:  # noqa: ARG001
    return serve(own_settings)


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("API key that allows admin").fill(key)
    page.get_by_label("API key that allows admin").press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_an_operator_signs_in_looks_around_and_out(
    address: str, key: str, open_page: OpenPage
) -> None:
    page = open_page(f"{address}/admin")
    sign_in(page, key)
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["secure"], cookie["httpOnly"]) == (COOKIE, True, True)
    assert page.evaluate("document.cookie") == ""
    navigation = page.get_by_role("navigation")
    for name in PAGES:
        navigation.get_by_role("link", name=name).click()
        expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        expect(navigation.locator("[aria-current=page]")).to_have_text(name)
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{address}/admin/keys")
    expect(page.get_by_label("API key that allows admin")).to_be_visible()


def test_a_wrong_key_is_told_beside_the_field(address: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}/admin", expected=("403",))
    page.get_by_label("API key that allows admin").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This key is not valid.")


def test_a_training_is_started_and_its_model_rolled_back(
    address: str, key: str, open_page: OpenPage
) -> None:
    page = open_page(f"{address}/admin")
    sign_in(page, key)
    page.goto(f"{address}/admin/runs")
    page.get_by_label("Publish anyway").check()
    page.get_by_role("button", name="Train").click()
    # The page shows by itself what the run has come to.
    expect(page.get_by_role("heading", name="The gate")).to_be_visible(timeout=180_000)
    made = page.get_by_role("link", name="Z-").inner_text()
    page.goto(f"{address}/admin/models")
    expect(page.locator(".is-current")).to_contain_text(f"{made} active")
    page.get_by_role("link", name="Roll back").click()
    expect(page.locator("main")).to_contain_text(f"Served now{made}")
    page.get_by_role("button", name="Roll back").click()
    expect(page.locator(".is-current code")).not_to_have_text(made)


def test_a_run_is_shown_as_it_goes_on(
    address: str, key: str, own_settings: Settings, open_page: OpenPage
) -> None:
    database = Database(own_settings.database_url)
    run_id = request_run(database, TrainingOptions(), "cron")

    def change(**values: Any) -> None:
        with database.unit_of_work() as connection:
            connection.execute(
                update(training_runs).where(training_runs.c.id == run_id).values(**values)
            )

    change(state=RunState.RUNNING)
    page = open_page(f"{address}/admin")
    sign_in(page, key)
    page.goto(f"{address}/admin/runs/{run_id}")
    expect(page.locator("#stage")).to_have_text("starting")
    for epoch in (7, 8):
        change(progress={"stage": "training", "epoch": epoch, "n_epochs": 60})
        expect(page.locator("#stage")).to_have_text(f"epoch {epoch} of 60")
    change(
        state=RunState.FAILED,
        in_progress=None,
        finished_at=datetime.now(UTC),
        error="out of memory",
    )
    expect(page.locator(".banner.bad")).to_have_text("out of memory")
    database.dispose()


def test_a_key_is_made_and_copied(address: str, key: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}/admin", permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, key)
    page.goto(f"{address}/admin/keys")
    page.get_by_label("What it is for").fill("web shop")
    page.get_by_label("read –").check()
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == page.get_by_label("The key", exact=True).input_value()
    )


def test_a_scenario_is_made_previewed_and_put_to_work(
    address: str, key: str, open_page: OpenPage
) -> None:
    page = open_page(f"{address}/admin")
    sign_in(page, key)
    page.goto(f"{address}/admin/scenarios")
    page.get_by_role("link", name="Make a scenario").click()
    page.get_by_label("Name", exact=True).fill("home")
    # The list of nobody comes before that of the user.
    with page.expect_response(lambda one: "user=1&" in f"{one.request.post_data}&") as made:
        page.get_by_label("What this user would get").fill("1")
    last = page.evaluate(LAST_MOVIE, made.value.text())
    listed = page.locator("#preview li")
    expect(listed).to_have_count(20)
    expect(listed.last.locator("bdi")).to_have_text(last)
    # The preview follows the form by itself.
    page.get_by_label("Pin 1: key or title").fill(last)
    page.get_by_label("Pin 1: place").fill("1")
    page.get_by_label("Movies in a list").fill("3")
    expect(listed).to_have_count(3)
    expect(listed.first).to_contain_text(f"{last}")
    expect(listed.first).to_contain_text("pinned")
    page.get_by_label("Movies in a list").fill("x")
    expect(page.locator("#problem")).to_contain_text("Length: Input should be a valid integer")
    page.get_by_label("Movies in a list").fill("3")
    expect(page.locator("#problem")).to_be_empty()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Scenario home")).to_be_visible()
    answer = recommendations(address, key, "/recommendations/1?scenario=home")
    assert [item.get("pinned", False) for item in answer["items"]] == [True, False, False]
    assert answer["items"][0]["title"] == last


def recommendations(address: str, key: str, path: str) -> dict[str, Any]:
    answer = httpx2.get(address + path, headers={"Authorization": f"Bearer {key}"})
    return dict(answer.json())


def test_an_experiment_is_begun_and_ended(address: str, key: str, open_page: OpenPage) -> None:
    page = open_page(f"{address}/admin")
    sign_in(page, key)
    page.goto(f"{address}/admin/experiments")
    page.get_by_role("link", name="Begin an experiment").click()
    page.get_by_label("Name", exact=True).fill("first")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("heading", name="Experiment first")).to_be_visible()
    answer = recommendations(address, key, "/recommendations/1")
    assert (answer["experiment"], answer["arm"] in {"control", "new"}) == ("first", True)
    page.get_by_role("link", name="Promote new").click()
    page.get_by_role("button", name="Promote").click()
    expect(page.locator("main")).to_contain_text("new promoted")
    assert "experiment" not in recommendations(address, key, "/recommendations/1")
    page.get_by_role("link", name="Audit").click()
    expect(page.locator(".row").first).to_contain_text("experiment promoted")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_a_serious_issue_of_accessibility_or_is_too_wide_for_a_phone(
    address: str, key: str, open_page: OpenPage, serious_issues: Check, theme: str
) -> None:
    page = open_page(f"{address}/admin", width=375, height=812, color_scheme=theme)
    assert serious_issues(page) == []
    sign_in(page, key)
    page.goto(f"{address}/admin/models")
    model = page.locator(".row h2 a").first.get_attribute("href") or ""
    revoke = f"/admin/keys/{key.partition('.')[0]}/revoke"
    forms = ("/admin/new-scenario", "/admin/new-experiment")
    for path in [*(f"/admin{path}" for path in PAGES.values()), *forms, model, revoke]:
        page.goto(address + path)
        assert serious_issues(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path

"""The operators' pages in a real browser."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
PAGES = {"Overview": "", "Models": "/models", "Training": "/runs", "Keys": "/keys"}


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
    for path in [*(f"/admin{path}" for path in PAGES.values()), model, revoke]:
        page.goto(address + path)
        assert serious_issues(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path

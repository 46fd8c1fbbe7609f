"""A real Chromium for the tests of the pages; they are skipped, with a reason, without one."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from app.config import Settings
from app.db.engine import Database
from tests.browser.serving import serving
from tests.browser.worlds import build_once

BINARIES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# No sandbox, since tests may run as root in a container; and nothing that asks another host.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = Path(__file__).parent / "axe-core" / "axe.min.js"
DATASETS_DIR = Path(
    os.environ.get("RECOMMENDER_DATASETS_DIR", Path(__file__).parents[2] / "var" / "datasets")
)
TIMEOUT_MS = 20_000

OpenPage = Callable[..., Page]


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """Give the folder that all processes of these tests share, and later tests do not."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Chromium, found on the path or named by RECOMMENDER_TEST_CHROMIUM."""
    named = os.environ.get("RECOMMENDER_TEST_CHROMIUM")
    path = named or next(filter(None, map(shutil.which, BINARIES)), None)
    if path is None:
        pytest.skip("no Chromium on the path; RECOMMENDER_TEST_CHROMIUM can name one")
    return path


# For one module and no longer: Playwright keeps an event loop running in the thread of the tests,
# in which no other test could call `asyncio.run`.
@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    """Give a running Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open addresses in contexts of their own; what a page complains of fails the test."""
    with ExitStack() as stack:
        complaints: list[str] = []

        def open_(
            address: str,
            *,
            width: int = 1280,
            height: int = 900,
            expected: tuple[str, ...] = (),
            **options: Any,
        ) -> Page:
            context = browser.new_context(viewport={"width": width, "height": height}, **options)
            stack.callback(context.close)
            context.set_default_timeout(TIMEOUT_MS)
            page = context.new_page()

            def note(text: str) -> None:
                if not any(part in text for part in expected):
                    complaints.append(text)

            page.on("pageerror", lambda error: note(str(error)))
            page.on("console", lambda line: note(line.text) if line.type == "error" else None)
            page.goto(address)
            return page

        yield open_
        assert complaints == []


@pytest.fixture
def serve() -> Iterator[Callable[[Settings], str]]:
    """Start services in this process; give their addresses."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(serving(settings))


@pytest.fixture(scope="session")
def sample_settings(
    chromium_path: str,  # noqa: ARG001 - without a browser nothing need be trained
    tmp_path_factory: pytest.TempPathFactory,
) -> Settings:
    """The bundled sample with a trained model, made once for all processes that test."""
    return build_once(shared_folder(tmp_path_factory), "sample", DATASETS_DIR)


@pytest.fixture(scope="session")
def sample(sample_settings: Settings) -> Iterator[str]:
    """Address of a service over the sample, for tests that change nothing in it."""
    with serving(sample_settings) as address:
        yield address


@pytest.fixture(scope="session")
def movielens(
    chromium_path: str,  # noqa: ARG001 - as above
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Address of a service over real MovieLens data, where it lies in the data folder."""
    if not (DATASETS_DIR / "ml-latest-small").exists():
        pytest.skip(f"real MovieLens data is not at hand in {DATASETS_DIR}")
    folder = shared_folder(tmp_path_factory)
    with serving(build_once(folder, "ml-latest-small", DATASETS_DIR)) as address:
        yield address


@pytest.fixture
def database_of(tmp_path: Path, migrated_sqlite_file: Path) -> Iterator[Callable[[], Database]]:
    """Make databases without rows, for tests that fill one."""
    with ExitStack() as stack:

        def make() -> Database:
            path = tmp_path / "recommender.db"
            shutil.copyfile(migrated_sqlite_file, path)
            database = Database(f"sqlite:///{path}")
            stack.callback(database.dispose)
            return database

        yield make


def _serious(page: Page) -> list[str]:
    """Say what axe finds wrong with what is shown now, the minor things left out."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{problem['id']}: {problem['help']}: {node['html']}"
        for problem in found["violations"]
        if problem["impact"] in {"serious", "critical"}
        for node in problem["nodes"]
    ]


@pytest.fixture(name="serious_issues")
def serious_issues_fixture() -> Callable[[Page], list[str]]:
    """Give the check for accessibility: `assert serious_issues(page) == []`."""
    return partial(_serious)

"""The images, built once, and names that are taken back."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.image.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture(scope="session")
def service_image(engine: Engine) -> str:
    return engine.build("service")


@pytest.fixture(scope="session")
def training_image(engine: Engine) -> str:
    return engine.build("training")


@pytest.fixture
def volume(engine: Engine) -> Iterator[str]:
    name = f"recommender-test-{uuid4().hex[:8]}"
    engine("volume", "create", name)
    yield name
    engine("volume", "rm", "--force", name)


@pytest.fixture
def container(engine: Engine) -> Iterator[str]:
    """A name for a container; whatever has it at the end is removed."""
    name = f"recommender-test-{uuid4().hex[:8]}"
    yield name
    engine("rm", "--force", "--volumes", name)

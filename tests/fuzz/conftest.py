"""Cases are many: files need not reach the disk, and each test says what it has run."""

import os
from collections.abc import Iterator

import pytest

from tests.fuzz import bounds


@pytest.fixture(autouse=True)
def many_cases(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    bounds.begin()
    yield
    bounds.report(request.node.name)

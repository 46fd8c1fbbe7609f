"""The world of the other tests, behind a proxy."""

from tests.app.conftest import settings, world

__all__ = ["settings", "world"]

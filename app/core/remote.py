"""A folder behind any address that fsspec knows: `s3://bucket/path`, `gs://…`, `az://…`, `file:///…`.

Credentials come from where the store's own tools look for them: its environment variables, a file
of the account, or the machine's role. Nothing of an address but its scheme, host and path is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

# What installs the package behind a scheme.
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}


class RemoteError(Exception):
    """A store failed; the text is one line without secrets."""


class MissingObjectError(RemoteError):
    """There is no object of this name."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a remote folder."""

    name: str
    """Relative to the folder, with `/` between its parts."""
    size: int
    """In bytes."""


class RemoteFolder:
    """Files below an address."""

    def __init__(self, url: str) -> None:
        """Raises `RemoteError` if the scheme is unknown or its package is not installed."""
        self.url = url

    def upload(self, local: Path, name: str) -> None:
        """Write a file, whole or not at all, and compare its length with what has arrived."""
        raise NotImplementedError

    def download(self, name: str, local: Path) -> None:
        """Write a remote file to a new local one; what fails leaves none."""
        raise NotImplementedError

    def files(self, below: str = "") -> list[RemoteFile]:
        """Return all files below a subfolder, by name; none if it is not there."""
        raise NotImplementedError

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if there is none."""
        raise NotImplementedError


def shown(url: str) -> str:
    """Return an address without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _filesystem(url: str) -> Any:
    raise NotImplementedError

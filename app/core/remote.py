"""A folder behind any address that fsspec knows: `s3://bucket/path`, `gs://…`, `az://…`, `file:///…`.

Credentials come from where the store's own tools look for them: its environment variables, a file
of the account, or the machine's role. Nothing of an address but its scheme, host and path is shown.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from data.durable import new_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What installs the package behind a scheme; these stores show an object when it is whole.
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}
BLOCK = 8 * 2**20  # of one request, so that a file of any length needs this much memory
PART = 16 * 2**20  # of an upload
# No request waits longer, its repetitions included; an upload gets the time of a slow line besides.
CALL_S, PROBE_S = 60, 10
SLOW_BYTES_S = 250_000
CONNECT_S, READ_S = 5, 20
UNFINISHED = ".unfinished"
_S3 = {
    "connect_timeout": CONNECT_S,
    "read_timeout": READ_S,
    "retries": {"max_attempts": 2},
    # Servers other than Amazon's know these checksums not at all, or send them with a part.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "s3": {"config_kwargs": _S3, "max_concurrency": 2},
    "az": {"connection_timeout": CONNECT_S, "read_timeout": READ_S, "max_concurrency": 2},
}
UPLOAD_OPTIONS: dict[str, dict[str, Any]] = {"s3": {"chunksize": PART}, "gs": {"chunksize": PART}}
MAX_REASON = 200
# What of an error may be a secret: the query of an address, and who asks.
SECRET = re.compile(r"(?<=\?)[^\s'\"]+|(?<=://)[^\s/@]+@")


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
    """Files below an address; it may be used by several threads at once."""

    def __init__(self, url: str) -> None:
        """Raise `RemoteError` if the scheme is unknown or its package is not installed."""
        self.url = url
        self._scheme = _scheme_of(url)
        _filesystem_class(url, self._scheme)

    def upload(self, local: Path, name: str) -> None:
        """Write a file, whole or not at all, and compare its length with what has arrived."""
        length = local.stat().st_size
        with self._failures(name):
            self._put(local, name, length)
            arrived = self._size(name)
        if arrived != length:
            with suppress(RemoteError):
                self.remove(name)
            raise RemoteError(
                f"{self._shown(name)} has {arrived} bytes after an upload of {length}"
            )

    def download(self, name: str, local: Path) -> None:
        """Write a remote file to a new local one; what fails leaves none."""
        try:
            with new_file(local) as file:
                file.writelines(self._blocks(name))
        except FileExistsError:
            raise
        except BaseException:
            local.unlink(missing_ok=True)
            raise

    def sha256(self, name: str) -> str:
        """Read a remote file, and return its checksum."""
        digest = hashlib.sha256()
        for block in self._blocks(name):
            digest.update(block)
        return digest.hexdigest()

    def size(self, name: str) -> int:
        """Return the length of a file; asks once, and not for long."""
        with self._failures(name):
            return self._size(name)

    def files(self, below: str = "") -> list[RemoteFile]:
        """Return all files below a subfolder, by name; none if it is not there."""
        root = self._path("")
        with self._failures(below):
            try:
                found = self._call("find", self._path(below), detail=True)
            except FileNotFoundError:
                return []
        listed = (
            RemoteFile(path.removeprefix(root).lstrip("/"), int(about["size"] or 0))
            for path, about in found.items()
            if about["type"] == "file" and not path.endswith(UNFINISHED)
        )
        return sorted((file for file in listed if file.name), key=lambda file: file.name)

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if there is none."""
        with self._failures(name):
            with suppress(FileNotFoundError):
                self._call("rm_file", self._path(name))
            if self._scheme not in EXTRAS and "/" in name:
                with suppress(OSError):  # it has other files
                    self._call("rmdir", self._path(name.rpartition("/")[0]))

    def _put(self, local: Path, name: str, length: int) -> None:
        path, wait_s = self._path(name), CALL_S + length // SLOW_BYTES_S
        if self._scheme in EXTRAS:
            options = UPLOAD_OPTIONS.get(EXTRAS[self._scheme], {})
            self._call("put_file", str(local), path, wait_s=wait_s, **options)
            return
        # A file system shows what is half-written.
        folder, _, file = path.rpartition("/")
        temporary = f"{folder}/.{file}{UNFINISHED}"
        self._call("makedirs", folder, exist_ok=True)
        self._call("put_file", str(local), temporary, wait_s=wait_s)
        self._call("mv", temporary, path)

    def _blocks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a file; raises `RemoteError` at the end if it was cut."""
        path = self._path(name)
        with self._failures(name):
            length = self._size(name)
        for start in range(0, length, BLOCK):
            end = min(start + BLOCK, length)
            with self._failures(name):
                block = self._call("cat_file", path, start=start, end=end)
            if len(block) != end - start:
                raise RemoteError(f"{self._shown(name)} was cut off while it was read")
            yield block

    def _size(self, name: str) -> int:
        about = self._call("info", self._path(name), wait_s=PROBE_S)
        if about["type"] != "file":
            raise FileNotFoundError
        return int(about["size"] or 0)

    def _call(
        self, method: str, *arguments: Any, wait_s: float | None = None, **options: Any
    ) -> Any:
        filesystem = _filesystem(self.url)
        if filesystem.async_impl:
            options["timeout"] = CALL_S if wait_s is None else wait_s
        return getattr(filesystem, method)(*arguments, **options)

    def _path(self, name: str) -> str:
        root = str(_filesystem(self.url)._strip_protocol(self.url)).rstrip("/")  # noqa: SLF001
        return f"{root}/{name}" if name else root

    def _shown(self, name: str) -> str:
        return f"{shown(self.url).rstrip('/')}/{name}".rstrip("/")

    @contextmanager
    def _failures(self, name: str) -> Iterator[None]:
        """Make one error of the many that packages raise."""
        try:
            yield
        except RemoteError:
            raise
        except FileNotFoundError as error:
            raise MissingObjectError(f"{self._shown(name)} is not there") from error
        except Exception as error:  # every store has errors of its own
            raise RemoteError(f"{self._shown(name)}: {_reason(error)}") from error


def shown(url: str) -> str:
    """Return an address without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _scheme_of(url: str) -> str:
    if not re.match(r"[a-z][a-z0-9+]*://[^\s\[\]]*", url) or "::" in url:
        raise RemoteError("the address of a store is one such as s3://bucket/path or file:///path")
    parts = urlsplit(url)
    if parts.scheme in EXTRAS and not parts.netloc:
        raise RemoteError(f"{shown(url)} names no bucket")
    return parts.scheme


def _filesystem_class(url: str, scheme: str) -> Any:
    from fsspec import get_filesystem_class  # type: ignore[import-untyped]  # noqa: PLC0415 (only where there is a store)

    try:
        return get_filesystem_class(scheme)
    except ValueError as error:
        raise RemoteError(f"{shown(url)}: there is no store of scheme {scheme}") from error
    except ImportError as error:
        extra = EXTRAS.get(scheme)
        install = f'run `pip install "recommender[{extra}]"`' if extra else str(error)[:MAX_REASON]
        raise RemoteError(f"{shown(url)}: a package is missing: {install}") from error


def _filesystem(url: str) -> Any:
    """Return the file system of an address; fsspec makes one for each process."""
    from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # noqa: PLC0415

    scheme = _scheme_of(url)
    options = OPTIONS.get(EXTRAS.get(scheme, ""), {})
    return url_to_fs(url, use_listings_cache=False, **options)[0]


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, PermissionError):
        return "access is denied: look at its credentials"
    text = next(iter(str(error).splitlines()), "").strip() or type(error).__name__
    return SECRET.sub("…", text)[:MAX_REASON]

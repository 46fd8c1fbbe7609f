"""Fetch a MovieLens release from GroupLens, or from a mirror, and check it."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

import httpx2

from data.durable import whole_file
from data.progress import Progress, ignore_progress
from data.release import DatasetError, DownloadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PINNED_MD5", "download"]

# Releases that never change. The md5 of the others lies beside them, as <name>.zip.md5.
PINNED_MD5 = {
    "ml-100k": "0e33842e24a9c977be4e0107933c0723",
    "ml-1m": "c4d9eecfca2ab87c1945afe126590906",
    "ml-20m": "cd245b17a1ae2cc31bb14903e1204af3",
    "ml-25m": "6b51fb2759a8657d3bfcbfc42b592ada",
}
CONNECT_TIMEOUT_S = 5.0
# Between two chunks of the response, not for all of it.
READ_TIMEOUT_S = 30.0
# The largest release is about 340 MB.
MAX_DOWNLOAD_BYTES = 2 * 1024**3
MAX_MD5_FILE_BYTES = 4096
_CHUNK_BYTES = 1 << 16


def download(name: str, base_url: str, folder: Path, progress: Progress = ignore_progress) -> Path:
    """Download ``<base_url>/<name>.zip`` to `folder`, whole and checked or not at all.

    Parameters
    ----------
    name : str
        Name of the release.
    base_url : str
        Address of its folder.
    folder : Path
        Created if it is missing.
    progress : callable
        Called with the number of bytes downloaded.

    Returns
    -------
    Path
        ``<folder>/<name>.zip``.

    Raises
    ------
    DownloadError
        No connection, or a response other than the file.
    DatasetError
        The file has another checksum, or cannot be written.
    """
    url = f"{base_url.rstrip('/')}/{name}.zip"
    timeout = httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        check = partial(_refuse_elsewhere, httpx2.URL(url))
        with httpx2.Client(
            timeout=timeout, follow_redirects=True, event_hooks={"request": [check]}
        ) as client:
            expected_md5 = PINNED_MD5.get(name) or _published_md5(client, f"{url}.md5")
            folder.mkdir(parents=True, exist_ok=True)
            with whole_file(folder / f"{name}.zip") as file:
                md5 = _fetch(client, url, file, progress)
                if md5 != expected_md5:
                    raise DatasetError(f"{url} has md5 {md5} instead of {expected_md5}")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise DownloadError(f"{name} cannot be downloaded from {url}: {reason}") from error
    except OSError as error:
        raise DatasetError(f"{name} cannot be kept in {folder}: {error}") from error
    return folder / f"{name}.zip"


def _published_md5(client: httpx2.Client, url: str) -> str:
    with _get(client, url) as response:
        text = b""
        for chunk in response.iter_bytes(MAX_MD5_FILE_BYTES):
            text += chunk
            if len(text) > MAX_MD5_FILE_BYTES:
                break
    found = re.findall(rb"\b[0-9a-f]{32}\b", text.lower())
    if len(found) != 1 or len(text) > MAX_MD5_FILE_BYTES:
        raise DatasetError(f"{url} holds no md5 checksum")
    return str(found[0].decode())


def _fetch(client: httpx2.Client, url: str, file: BinaryIO, progress: Progress) -> str:
    """Write the body of the response to `file` and return its md5."""
    md5 = hashlib.md5(usedforsecurity=False)
    done = 0
    with _get(client, url) as response:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        for chunk in response.iter_raw(_CHUNK_BYTES):
            done += len(chunk)
            if max(done, total or 0) > MAX_DOWNLOAD_BYTES:
                raise DatasetError(f"{url} is larger than {MAX_DOWNLOAD_BYTES} bytes")
            file.write(chunk)
            md5.update(chunk)
            progress("download", done, total)
    return md5.hexdigest()


@contextmanager
def _get(client: httpx2.Client, url: str) -> Iterator[httpx2.Response]:
    """Yield the response to GET `url`, which has status 200."""
    # "identity": the checksum is that of the bytes on the wire, so they must not be compressed.
    with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
        if response.status_code != httpx2.codes.OK:
            raise DownloadError(f"{url} answers {response.status_code} {response.reason_phrase}")
        yield response


def _refuse_elsewhere(asked: httpx2.URL, request: httpx2.Request) -> None:
    """Refuse a redirect to another server without a certificate, before anything is sent there.

    Otherwise whoever answers for a mirror could let this machine ask services of its own network.
    """
    there = request.url
    same = (there.scheme, there.netloc) == (asked.scheme, asked.netloc)
    if not same and there.scheme != "https" and asked.host:
        raise DatasetError(f"{asked} leads to {there}, which is not encrypted")

"""Fetch a MovieLens release from GroupLens, or from a mirror, and check it."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from data.release import DatasetError, DownloadError, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PINNED_MD5", "download"]

# Releases that never change. The md5 of the others lies beside them, as <name>.zip.md5.
PINNED_MD5 = {
    "ml-100k": "0e33842e24a9c977be4e0107933c0723",
    "ml-1m": "c4d9eecfca2ab87c1945afe126590906",
    "ml-20m": "cd245b17a1ae2cc31bb14903e1204af3",
    "ml-25m": "6b51fb2759a8657d3bfcbfc42b592ada",
}
CONNECT_TIMEOUT_S = 5.0
# Between two pieces of the answer, not for the whole of it.
READ_TIMEOUT_S = 30.0
# The largest release is about 340 MB.
MAX_DOWNLOAD_BYTES = 2 * 1024**3
MAX_MD5_FILE_BYTES = 4096
_PIECE_BYTES = 1 << 16


def download(name: str, base_url: str, folder: Path, progress: Progress | None = None) -> Path:
    """Fetch ``<base_url>/<name>.zip`` into `folder`, whole and checked or not at all.

    Parameters
    ----------
    name : str
        Name of the release.
    base_url : str
        Address of the folder that it lies in.
    folder : Path
        Where to put it; made if it is missing.
    progress : callable, optional
        Told of the bytes fetched.

    Returns
    -------
    Path
        ``<folder>/<name>.zip``.

    Raises
    ------
    DownloadError
        No connection, or an answer other than the file.
    DatasetError
        A file of another checksum, or no place to keep it.
    """
    url = f"{base_url.rstrip('/')}/{name}.zip"
    timeout = httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    try:
        with httpx2.Client(timeout=timeout, follow_redirects=True) as client:
            expected_md5 = PINNED_MD5.get(name) or _published_md5(client, f"{url}.md5")
            with _landing(folder, f"{name}.zip") as part:
                md5 = _fetch(client, url, part, progress)
                if md5 != expected_md5:
                    raise DatasetError(f"{url} has md5 {md5} instead of {expected_md5}")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise DownloadError(f"{name} cannot be downloaded from {url}: {reason}") from error
    except OSError as error:
        raise DatasetError(f"{name} cannot be kept in {folder}: {error}") from error
    return folder / f"{name}.zip"


def _published_md5(client: httpx2.Client, url: str) -> str:
    with _answer(client, url) as answer:
        text = b""
        for piece in answer.iter_bytes(MAX_MD5_FILE_BYTES):
            text += piece
            if len(text) > MAX_MD5_FILE_BYTES:
                break
    found = re.findall(rb"\b[0-9a-f]{32}\b", text.lower())
    if len(found) != 1 or len(text) > MAX_MD5_FILE_BYTES:
        raise DatasetError(f"{url} holds no md5 checksum")
    return str(found[0].decode())


def _fetch(client: httpx2.Client, url: str, path: Path, progress: Progress | None) -> str:
    """Write what `url` answers to `path` and return its md5."""
    md5 = hashlib.md5(usedforsecurity=False)
    done = 0
    with _answer(client, url) as answer, path.open("wb") as file:
        length = answer.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        for piece in answer.iter_raw(_PIECE_BYTES):
            done += len(piece)
            if max(done, total or 0) > MAX_DOWNLOAD_BYTES:
                raise DatasetError(f"{url} is larger than {MAX_DOWNLOAD_BYTES} bytes")
            file.write(piece)
            md5.update(piece)
            if progress is not None:
                progress("download", done, total)
        file.flush()
        os.fsync(file.fileno())
    return md5.hexdigest()


@contextmanager
def _answer(client: httpx2.Client, url: str) -> Iterator[httpx2.Response]:
    """Give the answer to GET `url`, which is to be 200 and, where `url` is, over HTTPS."""
    # "identity": the checksum is of the bytes on the wire, so nothing may be packed twice.
    with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer:
        if url.startswith("https:") and answer.url.scheme != "https":
            raise DatasetError(f"{url} leads to {answer.url}, which is not encrypted")
        if answer.status_code != httpx2.codes.OK:
            raise DownloadError(f"{url} answers {answer.status_code} {answer.reason_phrase}")
        yield answer


@contextmanager
def _landing(folder: Path, name: str) -> Iterator[Path]:
    """Give a temporary file beside `name` that takes its place at the end, or vanishes."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
    os.close(descriptor)
    part = Path(temporary)
    try:
        yield part
        part.chmod(0o644)  # mkstemp keeps a file to its owner
        part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)

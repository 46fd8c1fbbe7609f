"""API10:2023 Unsafe consumption of APIs: the service that data sets come from is not trusted."""

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from data import download as download_module
from data.movielens import load
from data.release import DatasetError

RATINGS = b"userId,movieId,rating,timestamp\n1,1,4.0,1000000000\n"
MOVIES = b"movieId,title,genres\n1,Toy Story (1995),Comedy\n"
Offer = Callable[..., None]


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Let a server answer with these bytes, and a checksum that fits unless told otherwise."""
    real_client = httpx2.Client

    def set_up(content: bytes, md5: str | None = None, status: int = 200) -> None:
        right = hashlib.md5(content, usedforsecurity=False).hexdigest()

        def answer(request: httpx2.Request) -> httpx2.Response:
            is_checksum = request.url.path.endswith(".md5")
            body = (md5 or right).encode() if is_checksum else content
            return httpx2.Response(status, stream=httpx2.ByteStream(body))

        def client(**options: Any) -> httpx2.Client:
            return real_client(**options, transport=httpx2.MockTransport(answer))

        monkeypatch.setattr(httpx2, "Client", client)

    return set_up


def refused(folder: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        load("ml-10m", datasets_dir=folder, datasets_url="https://mirror.example/")
    return str(caught.value)


def test_a_sound_release_is_taken(offer: Offer, tmp_path: Path) -> None:
    """So that the refusals below are no accident of this set-up."""
    offer(zipped({"ml-latest-small/ratings.csv": RATINGS, "ml-latest-small/movies.csv": MOVIES}))
    release = load("ml-latest-small", datasets_dir=tmp_path, datasets_url="https://mirror.example/")
    assert len(release.ratings) == 1


def test_a_file_of_another_checksum_is_not_kept(offer: Offer, tmp_path: Path) -> None:
    offer(zipped({"a": b""}), md5="0" * 32)
    assert "instead of" in refused(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_end_is_given_up(
    offer: Offer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "MAX_DOWNLOAD_BYTES", 1000)
    offer(b"\0" * 2000)
    assert "larger than 1000 bytes" in refused(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../../etc/cron.d/x", "/etc/passwd", "C:/x", "a/../../x", "..\\x"]
)
def test_a_zip_that_would_write_elsewhere_is_refused(
    offer: Offer, tmp_path: Path, name: str
) -> None:
    offer(zipped({"ml-10m/ratings.dat": b"1::1::4::1", name: b"x"}))
    assert "escapes its folder" in refused(tmp_path)


def test_a_zip_that_unpacks_to_much_more_than_its_size_is_refused(
    offer: Offer, tmp_path: Path
) -> None:
    line = b"1::1::4::1\n"
    offer(zipped({"ml-10m/ratings.dat": line * 7_000_000, "ml-10m/movies.dat": b"1::A::B\n"}))
    assert "unpacks to" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_zip_is_refused(offer: Offer, tmp_path: Path, content: bytes) -> None:
    offer(content)
    assert "ml-10m" in refused(tmp_path)


def test_an_error_of_the_server_is_said_so(offer: Offer, tmp_path: Path) -> None:
    offer(b"", status=500)
    assert "500" in refused(tmp_path)

"""Downloads, from a server that the tests start themselves."""

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest

from data import download as download_module
from data.download import PINNED_MD5, download
from data.movielens import DatasetError, DownloadError, load
from tests.data.releases import CSV_FORM, write_zip


@dataclass
class Server:
    """Answers GET with what `files` holds; everything asked for is kept in `asked`."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut_short: bool = False
    asked: list[str] = field(default_factory=list)

    def offer(self, name: str, content: bytes, md5: str | None = None) -> None:
        self.files[f"/{name}.zip"] = content
        checksum = hashlib.md5(content, usedforsecurity=False).hexdigest() if md5 is None else md5
        self.files[f"/{name}.zip.md5"] = f"{checksum}  {name}.zip\n".encode()


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            if self.path in state.redirects:
                self.send_response(302)
                self.send_header("Location", state.redirects[self.path])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = state.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            is_cut = state.cut_short and self.path.endswith(".zip")
            self.wfile.write(content[: len(content) // 2] if is_cut else content)

        def log_message(self, *_args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Server(f"http://127.0.0.1:{http.server_port}/")
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        http.shutdown()
        thread.join()


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return write_zip(tmp_path / "made" / "x.zip", CSV_FORM, inside="x/").read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "datasets"


def kept_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_release_that_is_not_at_hand_is_downloaded_once(
    server: Server, content: bytes, folder: Path
) -> None:
    server.offer("ml-latest-small", content)
    first = load("ml-latest-small", datasets_dir=folder, datasets_url=server.url)
    second = load("ml-latest-small", datasets_dir=folder, datasets_url=server.url)

    assert len(first.ratings) == 3
    assert first.sha256 == second.sha256
    assert server.asked == ["/ml-latest-small.zip.md5", "/ml-latest-small.zip"]
    assert kept_in(folder) == ["ml-latest-small.zip"]
    assert (folder / "ml-latest-small.zip").read_bytes() == content


def test_a_pinned_checksum_is_not_asked_for(
    server: Server, content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    monkeypatch.setitem(PINNED_MD5, "ml-1m", md5)
    server.files["/ml-1m.zip"] = content
    download("ml-1m", server.url, folder)
    assert server.asked == ["/ml-1m.zip"]


def test_a_pinned_checksum_beats_the_one_of_the_server(
    server: Server, content: bytes, folder: Path
) -> None:
    server.offer("ml-1m", content)
    with pytest.raises(DatasetError, match=f"instead of {PINNED_MD5['ml-1m']}"):
        download("ml-1m", server.url, folder)
    assert kept_in(folder) == []


@pytest.mark.parametrize("form", ["{md5}  x.zip\n", "MD5 (x.zip) = {md5}\n", "{md5}"])
def test_a_published_checksum_comes_in_several_forms(
    form: str, server: Server, content: bytes, folder: Path
) -> None:
    server.offer("ml-latest", content)
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest().upper()
    server.files["/ml-latest.zip.md5"] = form.format(md5=md5).encode()
    assert download("ml-latest", server.url, folder).read_bytes() == content


@pytest.mark.parametrize(
    "text", [b"", b"<html>none</html>", b"0" * 100_000, b"a" * 32 + b" " + b"b" * 32]
)
def test_without_a_checksum_nothing_is_downloaded(
    text: bytes, server: Server, content: bytes, folder: Path
) -> None:
    server.offer("ml-32m", content)
    server.files["/ml-32m.zip.md5"] = text
    with pytest.raises(DatasetError, match="holds no md5 checksum"):
        download("ml-32m", server.url, folder)
    assert server.asked == ["/ml-32m.zip.md5"]


def test_a_file_of_another_checksum_is_not_kept(
    server: Server, content: bytes, folder: Path
) -> None:
    server.offer("ml-10m", content, md5="0" * 32)
    with pytest.raises(DatasetError, match=r"has md5 [0-9a-f]{32} instead of 0{32}") as caught:
        download("ml-10m", server.url, folder)
    assert not isinstance(caught.value, DownloadError)  # the sample must not hide this
    assert kept_in(folder) == []


def test_a_download_that_breaks_off_is_not_kept(
    server: Server, content: bytes, folder: Path
) -> None:
    server.offer("ml-10m", content)
    server.cut_short = True
    with pytest.raises(DatasetError, match="ml-10m cannot be downloaded from http://127"):
        download("ml-10m", server.url, folder)
    assert kept_in(folder) == []


def test_a_file_that_is_not_there_is_said_so(server: Server, folder: Path) -> None:
    with pytest.raises(DownloadError, match=r"ml-1m\.zip answers 404 Not Found"):
        download("ml-1m", server.url, folder)
    assert kept_in(folder) == []


def test_a_download_larger_than_any_release_is_refused(
    server: Server, content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_module, "MAX_DOWNLOAD_BYTES", 100)
    server.offer("ml-10m", content)
    with pytest.raises(DatasetError, match="is larger than 100 bytes"):
        download("ml-10m", server.url, folder)
    assert kept_in(folder) == []


def test_progress_tells_the_bytes_fetched(server: Server, content: bytes, folder: Path) -> None:
    server.offer("ml-10m", content)
    seen: list[tuple[str, int, int | None]] = []
    download("ml-10m", server.url, folder, lambda *report: seen.append(report))
    assert seen[-1] == ("download", len(content), len(content))


def test_an_interrupted_download_leaves_nothing(
    server: Server, content: bytes, folder: Path
) -> None:
    server.offer("ml-10m", content)

    def interrupt(*_report: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download("ml-10m", server.url, folder, interrupt)
    assert kept_in(folder) == []


def test_an_earlier_download_stays_until_the_new_one_is_whole(
    server: Server, content: bytes, folder: Path
) -> None:
    folder.mkdir(parents=True)
    (folder / "ml-10m.zip").write_bytes(b"earlier")
    server.offer("ml-10m", content)
    server.cut_short = True
    with pytest.raises(DatasetError):
        download("ml-10m", server.url, folder)
    assert (folder / "ml-10m.zip").read_bytes() == b"earlier"


def test_without_network_one_clear_line_says_so(folder: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(DownloadError, match="ml-latest-small cannot be downloaded") as caught:
            load("ml-latest-small", datasets_dir=folder, datasets_url=url)
    assert "\n" not in str(caught.value)
    assert kept_in(folder) == []


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/", "http://", "http://[/"])
def test_an_address_that_is_none_is_refused(url: str, folder: Path) -> None:
    with pytest.raises(DatasetError, match="ml-1m cannot be downloaded"):
        download("ml-1m", url, folder)


def test_a_folder_that_cannot_be_written_is_said_so(
    server: Server, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    server.offer("ml-10m", content)
    with pytest.raises(DatasetError, match="ml-10m cannot be kept in"):
        download("ml-10m", server.url, tmp_path / "file")


def test_a_redirect_is_followed(server: Server, content: bytes, folder: Path) -> None:
    server.offer("ml-10m", content)
    server.files["/mirror/10m.zip"] = server.files.pop("/ml-10m.zip")
    server.redirects["/ml-10m.zip"] = "/mirror/10m.zip"
    assert download("ml-10m", server.url, folder).read_bytes() == content


def test_a_redirect_away_from_https_is_not_followed(
    server: Server, content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.offer("ml-10m", content)
    # Stands for a server with a certificate: every https address is redirected to the other one.
    real_client = httpx2.Client

    def to_plain_http(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(302, headers={"Location": f"{server.url}{request.url.path[1:]}"})

    def client(**options: Any) -> httpx2.Client:
        mounts = {"https://": httpx2.MockTransport(to_plain_http)}
        return real_client(**options, mounts=mounts)

    monkeypatch.setattr(httpx2, "Client", client)
    with pytest.raises(DatasetError, match="which is not encrypted"):
        download("ml-10m", "https://example.org/", folder)
    assert kept_in(folder) == []


def test_a_redirect_to_another_server_is_not_followed_without_a_certificate(
    server: Server, content: bytes, folder: Path
) -> None:
    server.offer("ml-10m", content)
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0)
        target = f"http://127.0.0.1:{inside.getsockname()[1]}/latest/credentials"
        server.redirects["/ml-10m.zip"] = target
        with pytest.raises(DatasetError, match=f"leads to {target}, which is not encrypted"):
            download("ml-10m", server.url, folder)
        with pytest.raises(BlockingIOError):
            inside.accept()  # nobody has connected
    assert kept_in(folder) == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/ml-10m.zip"])
def test_a_redirect_to_another_scheme_is_not_followed(
    server: Server, content: bytes, folder: Path, target: str
) -> None:
    server.offer("ml-10m", content)
    server.redirects["/ml-10m.zip"] = target
    with pytest.raises(DatasetError, match=r"not encrypted|ml-10m cannot be downloaded"):
        download("ml-10m", server.url, folder)
    assert kept_in(folder) == []


def test_a_connection_is_given_up_after_five_seconds(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts = []
    real_client = httpx2.Client

    def unreachable(request: httpx2.Request) -> httpx2.Response:
        timeouts.append(request.extensions["timeout"]["connect"])
        raise httpx2.ConnectTimeout("timed out", request=request)

    def client(**options: Any) -> httpx2.Client:
        return real_client(**options, transport=httpx2.MockTransport(unreachable))

    monkeypatch.setattr(httpx2, "Client", client)
    with pytest.raises(DatasetError, match=r"ml-1m cannot be downloaded from .*: timed out"):
        download("ml-1m", "https://example.org", folder)
    assert timeouts == [5.0]

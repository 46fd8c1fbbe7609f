"""The script of `docs/api.md` on a page of another origin."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Page

from app.auth.scopes import Scope
from app.auth.service import create_key
from app.config import Settings
from app.db.engine import Database
from tests.app.world import MOVIE_IDS, add_movies, add_ratings, draw_ratings, make_rbm, publish
from tests.browser.conftest import OpenPage

ROOT = Path(__file__).parents[2]
(SCRIPT,) = re.findall(r"```js\n(.*?)```", (ROOT / "docs" / "api.md").read_text(), re.DOTALL)
API = "https://films.example"
ASK = """async ([name, ...given]) => {
  try { return await {recommend, rate}[name](...given) } catch (error) { return String(error) }
}"""


class Blank(BaseHTTPRequestHandler):
    """An empty page of a shop."""

    def do_GET(self) -> None:
        page = b"<!DOCTYPE html><title>Shop</title><link rel=icon href=data:,>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def shop() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_pages_of_a_named_origin_recommend_and_rate_and_no_others_do(
    database_of: Callable[[], Database],
    serve: Callable[[Settings], str],
    tmp_path: Path,
    open_page: OpenPage,
) -> None:
    database = database_of()
    settings = Settings(
        database_url=database.url.render_as_string(), models_dir=tmp_path / "models",
        public_page=True,
    )  # fmt: skip
    add_movies(database, MOVIE_IDS)
    add_ratings(database, draw_ratings())
    publish(database, settings.models_dir, "v1", make_rbm(seed=1))
    key = create_key(database, [Scope.READ, Scope.WRITE], "staff").text
    with shop() as named, shop() as other:
        address = serve(settings.model_copy(update={"cors_origins": (named,)}))
        assert API in SCRIPT

        def open_shop(origin: str, *expected: str) -> Page:
            page = open_page(origin, expected=expected)
            page.add_script_tag(content=SCRIPT.replace(API, address))
            return page

        page = open_shop(named, "401")
        films = page.evaluate(ASK, ["recommend", "Movie 10"])
        assert films["source"] == "rbm"
        assert len(films["items"]) == 5
        theirs = page.evaluate(ASK, ["rate", "bob smith/жук", 10, 4.5, key])
        assert theirs["user"] == "bob smith/жук"
        assert theirs["source"] == "rbm"
        refused = page.evaluate(ASK, ["rate", "bob smith/жук", 10, 4.5])
        assert refused.startswith("Error: Unauthorized: ")
        foreign = open_shop(other, "CORS policy", "Failed to load resource")
        assert foreign.evaluate(ASK, ["recommend", "Movie 10"]) == "TypeError: Failed to fetch"

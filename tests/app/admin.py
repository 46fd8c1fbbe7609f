"""Browsers, more or less, that visit the operators' pages."""

import re
from html import unescape
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from app.admin.security import COOKIE

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def form_token(page: Response) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text
    return found[1]


def send(client: TestClient, page: str, path: str, **fields: Any) -> Response:
    """Fill in the form of a page, and send it as a browser does."""
    token = form_token(client.get(f"/admin{page}"))
    data = {"form_token": token, **fields}
    return client.post(f"/admin{path}", data=data, headers=SAME_ORIGIN)


def sign_in(client: TestClient, key: str) -> Response:
    return send(client, "/sign-in", "/sign-in", key=key)


def shown(page: Response) -> str:
    """The text of a page as a user reads it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def cookie(client: TestClient) -> str | None:
    return client.cookies.get(COOKIE)

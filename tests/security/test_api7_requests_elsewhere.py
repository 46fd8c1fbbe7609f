"""API7:2023 Server side request forgery: no client can make the service ask another server.

The addresses that are asked are settings of the operator: of data sets, whose redirects are tested
in tests/data/test_download.py, of a store (`app.core.remote`), and `recommender check` asks ours.
"""

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.security.routes import API, bearer, document

ROOT = Path(__file__).parents[2]
CLIENTS = re.compile(
    r"^ *(import|from) (httpx2?|requests|urllib\.request|http\.client|aiohttp|ftplib)\b",
    re.MULTILINE,
)


def test_no_request_has_a_place_for_an_address() -> None:
    named: list[str] = []

    def walk(schema: Any, name: str = "") -> None:
        if isinstance(schema, dict):
            if schema.get("format") in ("uri", "uri-reference", "iri", "hostname"):
                named.append(name)
            for key, part in schema.items():
                words = key.lower().replace("-", "_").split("_")
                if {"url", "uri", "webhook", "callback", "host"} & set(words):
                    named.append(key)
                walk(part, key)
        elif isinstance(schema, list):
            for part in schema:
                walk(part, name)

    walk(document()["paths"])
    walk(document()["components"]["schemas"])
    assert named == []


def test_only_commands_can_ask_another_server_over_http() -> None:
    found = {
        str(path.relative_to(ROOT))
        for folder in ("app", "data", "model")
        for path in (ROOT / folder).rglob("*.py")
        if CLIENTS.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"data/download.py", "app/cli/checks.py"}


def test_an_address_in_a_text_is_not_asked(
    guarded: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **_: asked.append(arguments))
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address))
    address = "http://169.254.169.254/latest/meta-data/"
    for headers in (
        {"Referer": address, "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
        {"X-Original-URL": "/users/1", "X-Rewrite-URL": "/users/1"},
    ):
        for route in API:
            if route.method == "GET":
                guarded.get(route.address(), headers={**bearer("read"), **headers})
    for query in (f"/movies/search?q={address}", f"/recommendations/1?genre={address}"):
        guarded.get(query, headers=bearer("read"))
    assert asked == []


def test_no_response_repeats_a_host_that_the_client_names(guarded: TestClient) -> None:
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    for path in ("/", "/docs", "/admin", "/admin/sign-in", "/nothing", "/openapi.json"):
        response = guarded.get(path, headers=headers, follow_redirects=False)
        assert "evil.example" not in response.text + str(response.headers)

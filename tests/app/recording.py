"""Requests and what was answered, in files: sent again, compared, recorded anew.

A file holds the settings of a service and a list of exchanges. A request is a method and an
address, and may have `headers`, and one of `json`, `form` and `content`. It may `save` pieces of
the answer, each found by a regular expression in its header lines and body; `{name}` stands for
such a piece in the requests behind it.
"""

import json
import re
from collections.abc import Iterator
from difflib import unified_diff
from hashlib import sha256
from math import isclose
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi.testclient import TestClient
from httpx2 import Response

Answer = dict[str, Any]

# Of a longer body only the checksum is kept.
LONGEST_TEXT, LONGEST_JSON = 2**12, 2**15
# PostgreSQL gives the keys of stored documents back in an order of its own.
DOCUMENTS = {"card", "detail", "figures", "hyper_parameters", "progress"}
# Float32 sums differ between processors in their last bits; differences of them by more of theirs.
RELATIVE, ABSOLUTE = 1e-5, 1e-6
BODIES = {"json", "text", "sha256"}
# Follow from the body, and so from the last bit of its numbers.
OF_BODY = "content-length|etag"


class Sender:
    """Sends requests one after the other."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.saved: dict[str, bytes] = {}

    def send(self, exchange: dict[str, Any]) -> Answer:
        """Send the request of an exchange."""
        method, path = exchange["request"].split(" ", 1)
        headers = dict(exchange.get("headers", {}))
        content = exchange.get("content", "")
        if "json" in exchange:
            content = json.dumps(exchange["json"])
            headers.setdefault("Content-Type", "application/json")
        if "form" in exchange:
            content = urlencode(exchange["form"], doseq=True, safe="{}")
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        response = self.client.request(
            method,
            self._fill(path.encode()).decode(),
            headers={name: self._fill(value.encode()) for name, value in headers.items()},
            content=self._fill(content.encode()) or None,
            follow_redirects=False,
        )
        self._save(exchange.get("save", {}), response)
        return _answer(path.partition("?")[0], response)

    def _fill(self, text: bytes) -> bytes:
        for name, value in self.saved.items():
            text = text.replace(b"{%s}" % name.encode(), value)
        return text

    def _save(self, wanted: dict[str, str], response: Response) -> None:
        whole = "\n".join(_lines(response)).encode() + b"\n\n" + response.content
        for name, pattern in wanted.items():
            found = re.search(pattern.encode(), whole)
            assert found, f"{pattern} is not in {whole[:2000]!r}"
            self.saved[name] = found[1]


def _answer(path: str, response: Response) -> Answer:
    headers, body = masked(path, "\n".join(_lines(response)), response.content)
    start = {"status": response.status_code, "headers": headers.splitlines()}
    return {**start, **_shown(body)}


def masked(path: str, headers: str, body: bytes) -> tuple[str, bytes]:
    """Hide what is another one each time; all else that changes is frozen by the test.

    - An id that was drawn for a request.
    - Files of Swagger UI, which are those of whatever version of its package is installed.
    - The figures of Prometheus, which are those of the process: of them only their names and those
      of their labels are kept, and of the operators' overview what is made of them is left out, and
      which database it is.
    """
    hidden = []
    headers = re.sub(r"(?m)^(x-request-id): [0-9a-f]{16}$", r"\1: (drawn)", headers)
    if path.startswith("/docs/swagger"):
        hidden, body = ["content-length", "last-modified", "etag"], b"(a file of a package)"
    if path == "/metrics":
        hidden, body = ["content-length"], "\n".join(_names_of_figures(body.decode())).encode()
    if path == "/admin":
        hidden = ["content-length"]
        figures = rb'(?s)(id="(?:traffic|health|drift|routes)-heading">).*?</section>'
        body = re.sub(figures, rb"\1(figures)</section>", body)
        body = re.sub(b"SQLite|PostgreSQL", b"(database)", body)
    for name in hidden:
        headers = re.sub(f"(?m)^({name}): .*$", r"\1: (hidden)", headers)
    return headers, body


def _names_of_figures(text: str) -> list[str]:
    ours = [line for line in text.splitlines() if "process_" not in line]
    samples = {re.sub('="[^"]*"', "", line).rsplit(" ", 1)[0] for line in ours if line[0] != "#"}
    return [*(line for line in ours if line[0] == "#"), *sorted(samples)]


def _lines(response: Response) -> list[str]:
    return [f"{name}: {value}" for name, value in response.headers.multi_items()]


def _shown(body: bytes) -> Answer:
    """Show a body so that a change of it is read easily; two that differ are shown differently."""
    try:
        text = body.decode()
        parsed = json.loads(text)
        if len(body) <= LONGEST_JSON and isinstance(parsed, dict) and _compact(parsed) == text:
            return {"json": _in_one_order(parsed)}
    except ValueError:  # of UTF-8, of JSON
        pass
    if len(body) > LONGEST_TEXT or b"\0" in body:
        return {"length": len(body), "sha256": sha256(body).hexdigest()}
    return {"text": body.decode().split("\n")} if body else {}


def _in_one_order(value: Any) -> Any:
    """Sort the keys of documents, and leave all others as they are."""
    if isinstance(value, list):
        return [_in_one_order(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: json.loads(json.dumps(each, sort_keys=True))
        if name in DOCUMENTS
        else _in_one_order(each)
        for name, each in value.items()
    }


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def difference(recorded: Answer, answer: Answer, *, exact: bool) -> list[str]:
    """Show in a few lines what is not as it was recorded, nothing where all is."""
    if not exact:
        answer = _settled(recorded, answer)
        # Of HEAD and 304 the body is not known.
        if not BODIES & recorded.keys() or any(_floats(recorded.get("json"))):
            recorded, answer = _without(recorded), _without(answer)
    if _compact(recorded) == _compact(answer):
        return []
    before, now = (json.dumps(each, indent=1, ensure_ascii=False) for each in (recorded, answer))
    lines = unified_diff(before.split("\n"), now.split("\n"), "recorded", "answered", "", "", 1, "")
    return [line[:300] for line in lines][:16]


def _settled(recorded: Any, value: Any) -> Any:
    """Put the recorded numbers in place of those that are as good as equal."""
    if isinstance(recorded, dict) and isinstance(value, dict):
        return {name: _settled(recorded.get(name), each) for name, each in value.items()}
    if isinstance(recorded, list) and isinstance(value, list) and len(recorded) == len(value):
        return [_settled(*pair) for pair in zip(recorded, value, strict=True)]
    if isinstance(recorded, float) and isinstance(value, float):
        near = isclose(recorded, value, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        return recorded if near else value
    return value


def _floats(value: Any) -> Iterator[bool]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _floats(each)
    else:
        yield isinstance(value, float)


def _without(answer: Answer) -> Answer:
    kept = [re.sub(f"^({OF_BODY}): .*", r"\1: (of the body)", line) for line in answer["headers"]]
    return {**answer, "headers": kept}


def read(path: Path) -> dict[str, Any]:
    """Read a file."""
    recording: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return recording


def write(path: Path, recording: dict[str, Any]) -> None:
    """Write a file: three lines an exchange, for the request, the start of its answer, the body."""
    head = {name: value for name, value in recording.items() if name != "exchanges"}
    exchanges = []
    for exchange in recording["exchanges"]:
        request = {name: value for name, value in exchange.items() if name != "answer"}
        answer = dict(exchange["answer"])
        start = {name: answer.pop(name) for name in ("status", "headers")}
        parts = [_inner(request), '\n"answer": {' + _inner(start)]
        parts += [f"\n{_inner(answer)}"] if answer else []
        exchanges.append("{" + ", ".join(parts).replace(", \n", ",\n") + "}}")
    text = ",\n".join(exchanges)
    path.write_text(f'{{{_inner(head)}, "exchanges": [\n{text}\n]}}\n', encoding="utf-8")


def _inner(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]

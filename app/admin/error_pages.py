"""The layer that turns errors under /admin into pages: there a person reads them."""

import json
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.pages import POLICY, render

PATH = "/admin"
JSON = "application/json"


class ErrorPagesLayer:
    """Shows errors of the operators' pages as pages; who is not signed in is led to do so."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == PATH or path.startswith(f"{PATH}/")):
            await self.app(scope, receive, send)
            return
        error: Message | None = None
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal error, body
            if message["type"] == "http.response.start" and _is_error(message):
                error = message
                return
            if error is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                page = _page(scope, error, body)
                await send(error)
                await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, send_page)


def _is_error(message: Message) -> bool:
    kind = MutableHeaders(raw=message["headers"]).get("content-type", "")
    return message["status"] >= HTTPStatus.BAD_REQUEST and kind.startswith(JSON)


def _page(scope: Scope, error: Message, body: bytes) -> bytes:
    """Make the page of an error, and its start; the body is empty for HEAD."""
    root = scope.get("root_path", "").rstrip("/")
    headers = MutableHeaders(raw=list(error["headers"]))
    del headers["content-length"], headers["www-authenticate"]
    if error["status"] == HTTPStatus.UNAUTHORIZED:
        error["status"] = HTTPStatus.SEE_OTHER
        headers["location"] = f"{root}{PATH}/sign-in"
        del headers["content-type"]
        error["headers"] = headers.raw
        return b""
    detail = json.loads(body)["detail"] if body else ""
    title = HTTPStatus(error["status"]).phrase
    page = render("admin/error.html", root=root, title=title, detail=detail).encode()
    headers["content-type"] = "text/html; charset=utf-8"
    headers["content-security-policy"] = POLICY
    headers["content-length"] = str(len(page))
    error["headers"] = headers.raw
    return page if body else b""

"""Static files of the pages: styles, scripts, images.

Their URLs hold a digest of all of them, so that browsers may cache each forever, and modules that
import each other by relative URLs always come from one version.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from app.core.errors import RouteNotFoundError

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
# A page that was opened before an update requests files with the old digest: it gets the new ones,
# which must not be cached under the old URL.
IMMUTABLE, REVALIDATE = "public, max-age=31536000, immutable", "public, no-cache"


class StaticFile(NamedTuple):
    """A file in memory."""

    body: bytes
    media_type: str
    etag: str


def _read(folder: Path) -> dict[str, StaticFile]:
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in MEDIA_TYPES:
            body = path.read_bytes()
            etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
            files[path.name] = StaticFile(body, MEDIA_TYPES[path.suffix], etag)
    return files


FILES = _read(FOLDER)
DIGEST = blake2b("".join(n + f.etag for n, f in FILES.items()).encode(), digest_size=6).hexdigest()


def static_path(name: str) -> str:
    """Return the URL of a file; an unknown name fails while the page is rendered."""
    if name not in FILES:
        raise LookupError(f"there is no file {name} in {FOLDER.name}/")
    return f"/static/{DIGEST}/{name}"


@router.get("/static/{digest}/{name}")
async def get_static(digest: str, name: str, request: Request) -> Response:
    """Return a file."""
    file = FILES.get(name)
    if file is None:
        raise RouteNotFoundError
    headers = {
        "Cache-Control": IMMUTABLE if digest == DIGEST else REVALIDATE,
        "ETag": file.etag,
    }
    known = {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}
    if file.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers, media_type=file.media_type)

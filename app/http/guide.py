"""The guide: the documentation as `make docs` builds it, served from its folder where asked for."""

from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from app.core.errors import RouteNotFoundError

router = APIRouter(include_in_schema=False)

START = "index.html"
MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".xml": "application/xml",
}
# Its theme sets styles of elements; its search runs in a worker, over an index that it loads.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "public, max-age=3600"}


class GuideError(RuntimeError):
    """The folder of the guide is not what `make docs` builds."""


def read_guide(folder: Path | None) -> Mapping[str, Path]:
    """List the files of the guide by their paths: no other path leads to a file."""
    if folder is None:
        return {}
    found = folder.rglob("*") if folder.is_dir() else ()
    files = {
        path.relative_to(folder).as_posix(): path.resolve()
        for path in found
        if path.suffix in MEDIA_TYPES and path.is_file() and not path.is_symlink()
    }
    if START not in files:
        raise GuideError(f"there is no guide in {folder} (RECOMMENDER_GUIDE_DIR): no {START}")
    return files


@router.get("/guide")
async def get_guide(request: Request) -> Response:
    """Lead to the first page: its links are relative."""
    _file(request, START)
    return Response(status_code=307, headers={"Location": f"guide/{START}"})


@router.get("/guide/{path:path}")
async def get_guide_file(path: str, request: Request) -> Response:
    """Give a file of the guide."""
    file = _file(request, path or START)
    return FileResponse(file, media_type=MEDIA_TYPES[file.suffix], headers=HEADERS)


def _file(request: Request, path: str) -> Path:
    files: Mapping[str, Path] = request.app.state.guide
    if path not in files:
        raise RouteNotFoundError
    return files[path]

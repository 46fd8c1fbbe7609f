"""The document about the API, and the page that shows it (Swagger UI, from this host alone)."""

from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute

from app.core.errors import RouteNotFoundError

router = APIRouter(include_in_schema=False)

OPENAPI_PATH = "/openapi.json"
FOLDER = Path(__file__).parent / "swagger_ui"  # files of another project, unchanged
ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}

# Swagger UI draws its icons with inline styles; everything else comes from files.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{root}/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{root}/docs/swagger-ui-bundle.js"></script>
<script src="{root}/docs/start.js"></script>
</body>
</html>
"""
# The theme is that of the system, or the one that was chosen on a page of the service.
START = """let theme = null;
try {
  theme = localStorage.getItem("theme");
} catch {
  // a browser may refuse storage
}
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => {
  const isDark = theme ? theme === "dark" : systemIsDark.matches;
  document.documentElement.classList.toggle("dark-mode", isDark);
};
systemIsDark.addEventListener("change", dress);
dress();
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
"""


def operation_id(route: APIRoute) -> str:
    """Name a route for generated clients: its function `put_rating` becomes `putRating`."""
    first, *rest = route.name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@router.get("/docs")
async def get_docs(request: Request) -> Response:
    """Show the API."""
    root = request.scope.get("root_path", "").rstrip("/")
    page = PAGE.format(title=request.app.title, root=root)
    headers = {"Content-Security-Policy": POLICY}
    return Response(page, media_type="text/html", headers=headers)


@router.get("/docs/start.js")
async def get_start() -> Response:
    """Start Swagger UI; an inline script would need a weaker policy."""
    return Response(START, media_type="text/javascript")


@router.get("/docs/{asset}")
async def get_asset(asset: str) -> Response:
    """Give a file of Swagger UI."""
    media_type = ASSETS.get(asset)
    if media_type is None:
        raise RouteNotFoundError
    headers = {"Cache-Control": "public, max-age=86400"}
    return FileResponse(FOLDER / asset, media_type=media_type, headers=headers)

"""The page that shows the API, and lets one try it."""

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html

router = APIRouter(include_in_schema=False)

OPENAPI_PATH = "/openapi.json"

# Swagger UI comes from its public address and starts itself by a script in the page.
POLICY = (
    "default-src 'none'; frame-ancestors 'none'; connect-src 'self'; img-src 'self' data:; "
    "script-src https://cdn.jsdelivr.net 'unsafe-inline'; "
    "style-src https://cdn.jsdelivr.net 'unsafe-inline'"
)


@router.get("/docs")
async def get_docs(request: Request) -> Response:
    """Show the API."""
    page = get_swagger_ui_html(
        openapi_url=request.scope.get("root_path", "").rstrip("/") + OPENAPI_PATH,
        title=request.app.title,
        swagger_favicon_url="data:,",
    )
    page.headers["Content-Security-Policy"] = POLICY
    return page

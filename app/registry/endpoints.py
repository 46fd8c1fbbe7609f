"""Routes of models."""

from contextlib import suppress
from tempfile import TemporaryFile
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

import app.http.identifiers  # noqa: F401 (registers `version` for paths)
from app.auth.dependencies import ADMIN, READ, requester
from app.auth.errors import COMMON
from app.core.archive import ArchiveError
from app.core.errors import ContentTooLargeError, InvalidRequestError, responses
from app.http.api import OMITTABLE, ServicesDependency, json_response
from app.live.model_reloader import ModelReloader
from app.registry import removal, service, transfer
from app.registry.archive import SUFFIX
from app.registry.errors import (
    ModelDamagedError,
    ModelExistsError,
    ModelInExperimentError,
    ModelInUseError,
    ModelNotFoundError,
    ModelRefusedError,
    ModelUnfitError,
    NoPreviousModelError,
    OtherModelActivatedError,
    ReportNotFoundError,
)
from app.registry.schemas import (
    ActivatedModel,
    ActiveModel,
    ImportedModel,
    ImportQuery,
    Model,
    Models,
    ModelVersionId,
    Outcome,
    RemovedModels,
    Retention,
)
from app.store.errors import ModelStoreUnavailableError

router = APIRouter(prefix="/models", tags=["models"])

# The page has its style inline, and allows no other by a checksum.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

ARCHIVE = "application/octet-stream"  # a download, and what an import takes
BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "",
    dependencies=[READ],
    response_model=Models,
    responses=responses(*COMMON),
    summary="Models",
)
def get_models(services: ServicesDependency) -> Response:
    """List the published and refused models with their figures, the newest first."""
    return json_response(Models(items=service.list_models(services.database)))


@router.get(
    "/active",
    dependencies=[READ],
    response_model=ActiveModel,
    responses=responses(*COMMON),
    summary="The active model",
)
def get_active_model(services: ServicesDependency) -> Response:
    """Return which model is served, and which a rollback would serve."""
    return json_response(service.find_active(services.database))


@router.put(
    "/active",
    dependencies=[ADMIN],
    response_model=ActiveModel,
    responses=responses(
        InvalidRequestError,
        ModelNotFoundError,
        ModelRefusedError,
        ModelDamagedError,
        ModelStoreUnavailableError,
        ContentTooLargeError,
        *COMMON,
    ),
    summary="Activate a model",
)
def put_active_model(
    model: ActivatedModel, request: Request, services: ServicesDependency
) -> Response:
    """Serve this model from now on; every worker does so within 2 seconds.

    Its files are checked before: a damaged model is never activated.
    """
    service.activate(
        services.database,
        services.store,
        model.version,
        anyway=model.anyway,
        by=requester(request),
    )
    services.find(ModelReloader).reload()
    return json_response(service.find_active(services.database))


@router.post(
    "/rollback",
    dependencies=[ADMIN],
    response_model=ActiveModel,
    responses=responses(
        NoPreviousModelError,
        ModelDamagedError,
        ModelUnfitError,
        OtherModelActivatedError,
        ModelStoreUnavailableError,
        *COMMON,
    ),
    summary="Go back to the model before",
)
def post_rollback(request: Request, services: ServicesDependency) -> Response:
    """Serve the model before the active one from now on; every worker does so within 2 seconds.

    A second rollback goes back one model further. To return, activate a model by its version.
    """
    service.rollback(services.database, services.store, by=requester(request))
    services.find(ModelReloader).reload()
    return json_response(service.find_active(services.database))


@router.post(
    "/prune",
    dependencies=[ADMIN],
    response_model=RemovedModels,
    responses=responses(
        InvalidRequestError, ContentTooLargeError, ModelStoreUnavailableError, *COMMON
    ),
    summary="Remove old models",
)
def post_prune(
    request: Request,
    services: ServicesDependency,
    retention: Annotated[Retention | None, OMITTABLE] = None,
) -> Response:
    """Remove all models but the newest published ones and the 2 newest refused ones.

    The active model, the one before it and those of experiments in progress stay.
    """
    settings = services.settings
    keep = retention.keep if retention else settings.keep_models
    by = requester(request)
    removed = removal.prune(services.database, services.store, keep, by=by)
    return json_response(RemovedModels(removed=removed))


@router.post(
    "/import",
    dependencies=[ADMIN],
    response_model=ImportedModel,
    response_description="It existed already",
    responses={
        201: {"model": ImportedModel, "description": "Imported"},
        **responses(
            InvalidRequestError,
            ModelExistsError,
            ModelRefusedError,
            ModelDamagedError,
            ModelStoreUnavailableError,
            ContentTooLargeError,
            *COMMON,
        ),
    },
    openapi_extra={"requestBody": {"content": {ARCHIVE: BYTES}, "required": True}},
    summary="Import a model",
)
async def post_import(
    query: Annotated[ImportQuery, Query()], request: Request, services: ServicesDependency
) -> Response:
    """Import a model from the archive of another installation.

    It keeps its version. It is served only with `activate`.
    """
    store = services.store
    store.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=store.folder) as file:  # has no name: it vanishes with the process
        try:
            async for part in request.stream():
                await run_in_threadpool(file.write, part)
            file.seek(0)
            imported = await run_in_threadpool(
                transfer.import_model,
                services.database,
                store,
                file,
                activate=query.activate,
                by=requester(request),
            )
        except ClientDisconnect as error:
            raise InvalidRequestError.at(["body"], "the body is cut off", "cut_off") from error
        except ArchiveError as error:
            raise InvalidRequestError.at(["body"], str(error), "archive") from error
    if imported.active:
        await run_in_threadpool(services.find(ModelReloader).reload)
    response = json_response(imported, 201 if imported.outcome is Outcome.IMPORTED else 200)
    response.headers["Location"] = f"{router.prefix}/{imported.version}"
    return response


@router.get(
    "/{version:version}",
    dependencies=[READ],
    response_model=Model,
    responses=responses(InvalidRequestError, ModelNotFoundError, *COMMON),
    summary="A model",
)
def get_model(version: ModelVersionId, services: ServicesDependency) -> Response:
    """Return the card of a model: what it is, what it was trained on and how well it does."""
    return json_response(service.find_model(services.database, version))


@router.delete(
    "/{version:version}",
    dependencies=[ADMIN],
    status_code=204,
    response_class=Response,
    responses=responses(
        InvalidRequestError,
        ModelInUseError,
        ModelInExperimentError,
        ModelStoreUnavailableError,
        *COMMON,
    ),
    summary="Remove a model",
)
def delete_model(
    version: ModelVersionId, request: Request, services: ServicesDependency
) -> Response:
    """Remove a model and its files; no error if there is none of this version."""
    with suppress(ModelNotFoundError):
        removal.remove(services.database, services.store, version, by=requester(request))
    return Response(status_code=204)


@router.get(
    "/{version}/archive",
    dependencies=[ADMIN],
    response_class=Response,
    responses={
        200: {"content": {ARCHIVE: BYTES}, "description": "The archive"},
        **responses(
            InvalidRequestError,
            ModelNotFoundError,
            ModelDamagedError,
            ModelStoreUnavailableError,
            *COMMON,
        ),
    },
    summary="Export a model",
)
def get_model_archive(version: ModelVersionId, services: ServicesDependency) -> Response:
    """Return a model as one file, for `POST /models/import` of another installation."""
    export = transfer.export_model(services.database, services.store, version)
    headers = {
        "Content-Length": str(export.length),
        "Content-Disposition": f'attachment; filename="{version}{SUFFIX}"',
    }
    return StreamingResponse(export.chunks, headers=headers, media_type=ARCHIVE)


@router.get(
    "/{version}/report",
    dependencies=[READ],
    response_class=Response,
    responses={
        200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "The page"},
        **responses(
            InvalidRequestError,
            ModelNotFoundError,
            ReportNotFoundError,
            ModelStoreUnavailableError,
            *COMMON,
        ),
    },
    summary="The report card of a model",
)
def get_model_report(version: ModelVersionId, services: ServicesDependency) -> Response:
    """Return the report card of the training, as a page."""
    service.find_model(services.database, version)
    return Response(
        service.read_report(services.store, version),
        media_type="text/html",
        headers={"Content-Security-Policy": REPORT_POLICY},
    )

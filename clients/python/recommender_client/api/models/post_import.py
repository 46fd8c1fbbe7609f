from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.imported_model import ImportedModel
from ...models.invalid_request_body import InvalidRequestBody
from ...types import UNSET, File, Response, Unset


def _get_kwargs(
    *,
    body: File,
    activate: bool | Unset = False,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    params: dict[str, Any] = {}

    params["activate"] = activate

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/models/import",
        "params": params,
    }

    _kwargs["content"] = body.payload
    headers["Content-Type"] = "application/octet-stream"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | ImportedModel | InvalidRequestBody | None:
    if response.status_code == 200:
        response_200 = ImportedModel.from_dict(response.json())

        return response_200

    if response.status_code == 201:
        response_201 = ImportedModel.from_dict(response.json())

        return response_201

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

    if response.status_code == 409:
        response_409 = ErrorBody.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = ErrorBody.from_dict(response.json())

        return response_413

    if response.status_code == 421:
        response_421 = ErrorBody.from_dict(response.json())

        return response_421

    if response.status_code == 422:
        response_422 = InvalidRequestBody.from_dict(response.json())

        return response_422

    if response.status_code == 429:
        response_429 = ErrorBody.from_dict(response.json())

        return response_429

    if response.status_code == 431:
        response_431 = ErrorBody.from_dict(response.json())

        return response_431

    if response.status_code == 500:
        response_500 = ErrorBody.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = ErrorBody.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorBody | ImportedModel | InvalidRequestBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: File,
    activate: bool | Unset = False,
) -> Response[ErrorBody | ImportedModel | InvalidRequestBody]:
    """Import a model

     Import a model from the archive of another installation.

    It keeps its version. It is served only with `activate`.

    Args:
        activate (bool | Unset): Serve it at once Default: False.
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | ImportedModel | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        body=body,
        activate=activate,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: File,
    activate: bool | Unset = False,
) -> ErrorBody | ImportedModel | InvalidRequestBody | None:
    """Import a model

     Import a model from the archive of another installation.

    It keeps its version. It is served only with `activate`.

    Args:
        activate (bool | Unset): Serve it at once Default: False.
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | ImportedModel | InvalidRequestBody
    """

    return sync_detailed(
        client=client,
        body=body,
        activate=activate,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: File,
    activate: bool | Unset = False,
) -> Response[ErrorBody | ImportedModel | InvalidRequestBody]:
    """Import a model

     Import a model from the archive of another installation.

    It keeps its version. It is served only with `activate`.

    Args:
        activate (bool | Unset): Serve it at once Default: False.
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | ImportedModel | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        body=body,
        activate=activate,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: File,
    activate: bool | Unset = False,
) -> ErrorBody | ImportedModel | InvalidRequestBody | None:
    """Import a model

     Import a model from the archive of another installation.

    It keeps its version. It is served only with `activate`.

    Args:
        activate (bool | Unset): Serve it at once Default: False.
        body (File):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | ImportedModel | InvalidRequestBody
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            activate=activate,
        )
    ).parsed

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...models.removed_models import RemovedModels
from ...models.retention import Retention
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: Retention | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/models/prune",
    }

    if not isinstance(body, Unset):
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | InvalidRequestBody | RemovedModels | None:
    if response.status_code == 200:
        response_200 = RemovedModels.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

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
) -> Response[ErrorBody | InvalidRequestBody | RemovedModels]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: Retention | Unset = UNSET,
) -> Response[ErrorBody | InvalidRequestBody | RemovedModels]:
    """Remove old models

     Remove all models but the newest published ones and the 2 newest refused ones.

    The active model, the one before it and those of experiments in progress stay.

    Args:
        body (Retention | Unset): How many models to keep.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | RemovedModels]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: Retention | Unset = UNSET,
) -> ErrorBody | InvalidRequestBody | RemovedModels | None:
    """Remove old models

     Remove all models but the newest published ones and the 2 newest refused ones.

    The active model, the one before it and those of experiments in progress stay.

    Args:
        body (Retention | Unset): How many models to keep.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | RemovedModels
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: Retention | Unset = UNSET,
) -> Response[ErrorBody | InvalidRequestBody | RemovedModels]:
    """Remove old models

     Remove all models but the newest published ones and the 2 newest refused ones.

    The active model, the one before it and those of experiments in progress stay.

    Args:
        body (Retention | Unset): How many models to keep.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | RemovedModels]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: Retention | Unset = UNSET,
) -> ErrorBody | InvalidRequestBody | RemovedModels | None:
    """Remove old models

     Remove all models but the newest published ones and the 2 newest refused ones.

    The active model, the one before it and those of experiments in progress stay.

    Args:
        body (Retention | Unset): How many models to keep.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | RemovedModels
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed

from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...models.model_features import ModelFeatures
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    limit: int | Unset = 20,
    films: int | Unset = 8,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["films"] = films

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/model/features",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ErrorBody | InvalidRequestBody | ModelFeatures | None:
    if response.status_code == 200:
        response_200 = ModelFeatures.from_dict(response.json())

        return response_200

    if response.status_code == 304:
        response_304 = cast(Any, None)
        return response_304

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

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
) -> Response[Any | ErrorBody | InvalidRequestBody | ModelFeatures]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    films: int | Unset = 8,
) -> Response[Any | ErrorBody | InvalidRequestBody | ModelFeatures]:
    """Hidden features of the model

     Return hidden units with the movies and genres that define them, the most important first.

    Args:
        limit (int | Unset): Features, the most important first Default: 20.
        films (int | Unset): Movies per direction Default: 8.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | InvalidRequestBody | ModelFeatures]
    """

    kwargs = _get_kwargs(
        limit=limit,
        films=films,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    films: int | Unset = 8,
) -> Any | ErrorBody | InvalidRequestBody | ModelFeatures | None:
    """Hidden features of the model

     Return hidden units with the movies and genres that define them, the most important first.

    Args:
        limit (int | Unset): Features, the most important first Default: 20.
        films (int | Unset): Movies per direction Default: 8.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | InvalidRequestBody | ModelFeatures
    """

    return sync_detailed(
        client=client,
        limit=limit,
        films=films,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    films: int | Unset = 8,
) -> Response[Any | ErrorBody | InvalidRequestBody | ModelFeatures]:
    """Hidden features of the model

     Return hidden units with the movies and genres that define them, the most important first.

    Args:
        limit (int | Unset): Features, the most important first Default: 20.
        films (int | Unset): Movies per direction Default: 8.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | InvalidRequestBody | ModelFeatures]
    """

    kwargs = _get_kwargs(
        limit=limit,
        films=films,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 20,
    films: int | Unset = 8,
) -> Any | ErrorBody | InvalidRequestBody | ModelFeatures | None:
    """Hidden features of the model

     Return hidden units with the movies and genres that define them, the most important first.

    Args:
        limit (int | Unset): Features, the most important first Default: 20.
        films (int | Unset): Movies per direction Default: 8.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | InvalidRequestBody | ModelFeatures
    """

    return (
        await asyncio_detailed(
            client=client,
            limit=limit,
            films=films,
        )
    ).parsed

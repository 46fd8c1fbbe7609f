from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...models.movie import Movie
from ...models.new_movie import NewMovie
from ...types import Response


def _get_kwargs(
    *,
    body: NewMovie,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/movies",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | InvalidRequestBody | Movie | None:
    if response.status_code == 201:
        response_201 = Movie.from_dict(response.json())

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
) -> Response[ErrorBody | InvalidRequestBody | Movie]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: NewMovie,
) -> Response[ErrorBody | InvalidRequestBody | Movie]:
    """Add a movie

     Add a movie under its `key`, or without one under a new number, from 1000000000 on.

    The model does not know it before the next training; until then lists have it behind the movies
    that the model knows.

    Args:
        body (NewMovie): A movie to be added, under a key of your own or a new number.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | Movie]
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
    body: NewMovie,
) -> ErrorBody | InvalidRequestBody | Movie | None:
    """Add a movie

     Add a movie under its `key`, or without one under a new number, from 1000000000 on.

    The model does not know it before the next training; until then lists have it behind the movies
    that the model knows.

    Args:
        body (NewMovie): A movie to be added, under a key of your own or a new number.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | Movie
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: NewMovie,
) -> Response[ErrorBody | InvalidRequestBody | Movie]:
    """Add a movie

     Add a movie under its `key`, or without one under a new number, from 1000000000 on.

    The model does not know it before the next training; until then lists have it behind the movies
    that the model knows.

    Args:
        body (NewMovie): A movie to be added, under a key of your own or a new number.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | Movie]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: NewMovie,
) -> ErrorBody | InvalidRequestBody | Movie | None:
    """Add a movie

     Add a movie under its `key`, or without one under a new number, from 1000000000 on.

    The model does not know it before the next training; until then lists have it behind the movies
    that the model knows.

    Args:
        body (NewMovie): A movie to be added, under a key of your own or a new number.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | Movie
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed

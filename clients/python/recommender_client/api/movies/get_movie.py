from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...models.movie import Movie
from ...types import Response


def _get_kwargs(
    movie: int | str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/movies/{movie}".format(
            movie=quote(str(movie), safe=""),
        ),
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | InvalidRequestBody | Movie | None:
    if response.status_code == 200:
        response_200 = Movie.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = ErrorBody.from_dict(response.json())

        return response_404

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
    movie: int | str,
    *,
    client: AuthenticatedClient,
) -> Response[ErrorBody | InvalidRequestBody | Movie]:
    """A movie

     Return title, year, genres, attributes, and the ids of the movie at IMDb and TMDB.

    Args:
        movie (int | str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | Movie]
    """

    kwargs = _get_kwargs(
        movie=movie,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    movie: int | str,
    *,
    client: AuthenticatedClient,
) -> ErrorBody | InvalidRequestBody | Movie | None:
    """A movie

     Return title, year, genres, attributes, and the ids of the movie at IMDb and TMDB.

    Args:
        movie (int | str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | Movie
    """

    return sync_detailed(
        movie=movie,
        client=client,
    ).parsed


async def asyncio_detailed(
    movie: int | str,
    *,
    client: AuthenticatedClient,
) -> Response[ErrorBody | InvalidRequestBody | Movie]:
    """A movie

     Return title, year, genres, attributes, and the ids of the movie at IMDb and TMDB.

    Args:
        movie (int | str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | Movie]
    """

    kwargs = _get_kwargs(
        movie=movie,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    movie: int | str,
    *,
    client: AuthenticatedClient,
) -> ErrorBody | InvalidRequestBody | Movie | None:
    """A movie

     Return title, year, genres, attributes, and the ids of the movie at IMDb and TMDB.

    Args:
        movie (int | str):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | Movie
    """

    return (
        await asyncio_detailed(
            movie=movie,
            client=client,
        )
    ).parsed

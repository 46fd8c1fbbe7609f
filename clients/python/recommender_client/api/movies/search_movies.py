from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.found_movies import FoundMovies
from ...models.invalid_request_body import InvalidRequestBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    q: str,
    unavailable: bool | Unset = False,
    limit: int | Unset = 10,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["q"] = q

    params["unavailable"] = unavailable

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/movies/search",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | FoundMovies | InvalidRequestBody | None:
    if response.status_code == 200:
        response_200 = FoundMovies.from_dict(response.json())

        return response_200

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
) -> Response[ErrorBody | FoundMovies | InvalidRequestBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    q: str,
    unavailable: bool | Unset = False,
    limit: int | Unset = 10,
) -> Response[ErrorBody | FoundMovies | InvalidRequestBody]:
    """Find movies by title

     Return the movies whose titles match what a user has typed so far.

    Accents, case, articles and the order of the words do not matter; one word may be the year.
    Small typing errors are tolerated.

    Args:
        q (str): Words of a title, in any order; the last may be unfinished
        unavailable (bool | Unset): Also movies that are withdrawn or outside their window; needs
            the scope `admin` Default: False.
        limit (int | Unset): Movies at most Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | FoundMovies | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        q=q,
        unavailable=unavailable,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    q: str,
    unavailable: bool | Unset = False,
    limit: int | Unset = 10,
) -> ErrorBody | FoundMovies | InvalidRequestBody | None:
    """Find movies by title

     Return the movies whose titles match what a user has typed so far.

    Accents, case, articles and the order of the words do not matter; one word may be the year.
    Small typing errors are tolerated.

    Args:
        q (str): Words of a title, in any order; the last may be unfinished
        unavailable (bool | Unset): Also movies that are withdrawn or outside their window; needs
            the scope `admin` Default: False.
        limit (int | Unset): Movies at most Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | FoundMovies | InvalidRequestBody
    """

    return sync_detailed(
        client=client,
        q=q,
        unavailable=unavailable,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    q: str,
    unavailable: bool | Unset = False,
    limit: int | Unset = 10,
) -> Response[ErrorBody | FoundMovies | InvalidRequestBody]:
    """Find movies by title

     Return the movies whose titles match what a user has typed so far.

    Accents, case, articles and the order of the words do not matter; one word may be the year.
    Small typing errors are tolerated.

    Args:
        q (str): Words of a title, in any order; the last may be unfinished
        unavailable (bool | Unset): Also movies that are withdrawn or outside their window; needs
            the scope `admin` Default: False.
        limit (int | Unset): Movies at most Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | FoundMovies | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        q=q,
        unavailable=unavailable,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    q: str,
    unavailable: bool | Unset = False,
    limit: int | Unset = 10,
) -> ErrorBody | FoundMovies | InvalidRequestBody | None:
    """Find movies by title

     Return the movies whose titles match what a user has typed so far.

    Accents, case, articles and the order of the words do not matter; one word may be the year.
    Small typing errors are tolerated.

    Args:
        q (str): Words of a title, in any order; the last may be unfinished
        unavailable (bool | Unset): Also movies that are withdrawn or outside their window; needs
            the scope `admin` Default: False.
        limit (int | Unset): Movies at most Default: 10.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | FoundMovies | InvalidRequestBody
    """

    return (
        await asyncio_detailed(
            client=client,
            q=q,
            unavailable=unavailable,
            limit=limit,
        )
    ).parsed

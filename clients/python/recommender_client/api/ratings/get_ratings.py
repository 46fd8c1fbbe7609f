from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...models.ratings_page import RatingsPage
from ...types import UNSET, Response, Unset


def _get_kwargs(
    user: str,
    *,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/users/{user}/ratings".format(
            user=quote(str(user), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | InvalidRequestBody | RatingsPage | None:
    if response.status_code == 200:
        response_200 = RatingsPage.from_dict(response.json())

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
) -> Response[ErrorBody | InvalidRequestBody | RatingsPage]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    user: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> Response[ErrorBody | InvalidRequestBody | RatingsPage]:
    """The ratings of a user

     Return the ratings of this user, by rising number of the movie; none for an unknown user.

    Movies with text keys come first, in an order of their own.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        limit (int | Unset): Ratings per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | RatingsPage]
    """

    kwargs = _get_kwargs(
        user=user,
        limit=limit,
        cursor=cursor,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> ErrorBody | InvalidRequestBody | RatingsPage | None:
    """The ratings of a user

     Return the ratings of this user, by rising number of the movie; none for an unknown user.

    Movies with text keys come first, in an order of their own.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        limit (int | Unset): Ratings per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | RatingsPage
    """

    return sync_detailed(
        user=user,
        client=client,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    user: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> Response[ErrorBody | InvalidRequestBody | RatingsPage]:
    """The ratings of a user

     Return the ratings of this user, by rising number of the movie; none for an unknown user.

    Movies with text keys come first, in an order of their own.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        limit (int | Unset): Ratings per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | RatingsPage]
    """

    kwargs = _get_kwargs(
        user=user,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user: str,
    *,
    client: AuthenticatedClient,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> ErrorBody | InvalidRequestBody | RatingsPage | None:
    """The ratings of a user

     Return the ratings of this user, by rising number of the movie; none for an unknown user.

    Movies with text keys come first, in an order of their own.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        limit (int | Unset): Ratings per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | RatingsPage
    """

    return (
        await asyncio_detailed(
            user=user,
            client=client,
            limit=limit,
            cursor=cursor,
        )
    ).parsed

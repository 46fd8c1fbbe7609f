from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.get_movies_sort import GetMoviesSort
from ...models.invalid_request_body import InvalidRequestBody
from ...models.movies_page import MoviesPage
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    sort: GetMoviesSort | Unset = "popular",
    genre: list[str] | Unset = UNSET,
    id: list[int | str] | Unset = UNSET,
    attribute: list[str] | Unset = UNSET,
    unavailable: bool | Unset = False,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_sort: str | Unset = UNSET
    if not isinstance(sort, Unset):
        json_sort = sort

    params["sort"] = json_sort

    json_genre: list[str] | Unset = UNSET
    if not isinstance(genre, Unset):
        json_genre = genre

    params["genre"] = json_genre

    json_id: list[int | str] | Unset = UNSET
    if not isinstance(id, Unset):
        json_id = []
        for id_item_data in id:
            id_item: int | str
            id_item = id_item_data
            json_id.append(id_item)

    params["id"] = json_id

    json_attribute: list[str] | Unset = UNSET
    if not isinstance(attribute, Unset):
        json_attribute = attribute

    params["attribute"] = json_attribute

    params["unavailable"] = unavailable

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/movies",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | InvalidRequestBody | MoviesPage | None:
    if response.status_code == 200:
        response_200 = MoviesPage.from_dict(response.json())

        return response_200

    if response.status_code == 401:
        response_401 = ErrorBody.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = ErrorBody.from_dict(response.json())

        return response_403

    if response.status_code == 410:
        response_410 = ErrorBody.from_dict(response.json())

        return response_410

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
) -> Response[ErrorBody | InvalidRequestBody | MoviesPage]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    sort: GetMoviesSort | Unset = "popular",
    genre: list[str] | Unset = UNSET,
    id: list[int | str] | Unset = UNSET,
    attribute: list[str] | Unset = UNSET,
    unavailable: bool | Unset = False,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> Response[ErrorBody | InvalidRequestBody | MoviesPage]:
    """Movies

     Return movies page by page: most popular first, newest first, by title, or by id.

    Args:
        sort (GetMoviesSort | Unset): Most likes first, latest year first, by title without
            articles, or those first whose ratings tell most about a new user, which the popular ones
            follow Default: 'popular'.
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        id (list[int | str] | Unset): Only these movies; may be repeated
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        unavailable (bool | Unset): Also movies that are withdrawn or outside their window; needs
            the scope `admin` Default: False.
        limit (int | Unset): Movies per page Default: 20.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | MoviesPage]
    """

    kwargs = _get_kwargs(
        sort=sort,
        genre=genre,
        id=id,
        attribute=attribute,
        unavailable=unavailable,
        limit=limit,
        cursor=cursor,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    sort: GetMoviesSort | Unset = "popular",
    genre: list[str] | Unset = UNSET,
    id: list[int | str] | Unset = UNSET,
    attribute: list[str] | Unset = UNSET,
    unavailable: bool | Unset = False,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> ErrorBody | InvalidRequestBody | MoviesPage | None:
    """Movies

     Return movies page by page: most popular first, newest first, by title, or by id.

    Args:
        sort (GetMoviesSort | Unset): Most likes first, latest year first, by title without
            articles, or those first whose ratings tell most about a new user, which the popular ones
            follow Default: 'popular'.
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        id (list[int | str] | Unset): Only these movies; may be repeated
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        unavailable (bool | Unset): Also movies that are withdrawn or outside their window; needs
            the scope `admin` Default: False.
        limit (int | Unset): Movies per page Default: 20.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | MoviesPage
    """

    return sync_detailed(
        client=client,
        sort=sort,
        genre=genre,
        id=id,
        attribute=attribute,
        unavailable=unavailable,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    sort: GetMoviesSort | Unset = "popular",
    genre: list[str] | Unset = UNSET,
    id: list[int | str] | Unset = UNSET,
    attribute: list[str] | Unset = UNSET,
    unavailable: bool | Unset = False,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> Response[ErrorBody | InvalidRequestBody | MoviesPage]:
    """Movies

     Return movies page by page: most popular first, newest first, by title, or by id.

    Args:
        sort (GetMoviesSort | Unset): Most likes first, latest year first, by title without
            articles, or those first whose ratings tell most about a new user, which the popular ones
            follow Default: 'popular'.
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        id (list[int | str] | Unset): Only these movies; may be repeated
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        unavailable (bool | Unset): Also movies that are withdrawn or outside their window; needs
            the scope `admin` Default: False.
        limit (int | Unset): Movies per page Default: 20.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | MoviesPage]
    """

    kwargs = _get_kwargs(
        sort=sort,
        genre=genre,
        id=id,
        attribute=attribute,
        unavailable=unavailable,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    sort: GetMoviesSort | Unset = "popular",
    genre: list[str] | Unset = UNSET,
    id: list[int | str] | Unset = UNSET,
    attribute: list[str] | Unset = UNSET,
    unavailable: bool | Unset = False,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> ErrorBody | InvalidRequestBody | MoviesPage | None:
    """Movies

     Return movies page by page: most popular first, newest first, by title, or by id.

    Args:
        sort (GetMoviesSort | Unset): Most likes first, latest year first, by title without
            articles, or those first whose ratings tell most about a new user, which the popular ones
            follow Default: 'popular'.
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        id (list[int | str] | Unset): Only these movies; may be repeated
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        unavailable (bool | Unset): Also movies that are withdrawn or outside their window; needs
            the scope `admin` Default: False.
        limit (int | Unset): Movies per page Default: 20.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | MoviesPage
    """

    return (
        await asyncio_detailed(
            client=client,
            sort=sort,
            genre=genre,
            id=id,
            attribute=attribute,
            unavailable=unavailable,
            limit=limit,
            cursor=cursor,
        )
    ).parsed

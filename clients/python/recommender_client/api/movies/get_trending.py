from http import HTTPStatus
from typing import Any, cast

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...models.trending_movies import TrendingMovies
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    window: str | Unset = "7d",
    half_life: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_genre: list[str] | Unset = UNSET
    if not isinstance(genre, Unset):
        json_genre = genre

    params["genre"] = json_genre

    json_exclude_genre: list[str] | Unset = UNSET
    if not isinstance(exclude_genre, Unset):
        json_exclude_genre = exclude_genre

    params["exclude_genre"] = json_exclude_genre

    params["year_from"] = year_from

    params["year_to"] = year_to

    json_exclude: list[int | str] | Unset = UNSET
    if not isinstance(exclude, Unset):
        json_exclude = []
        for exclude_item_data in exclude:
            exclude_item: int | str
            exclude_item = exclude_item_data
            json_exclude.append(exclude_item)

    params["exclude"] = json_exclude

    params["min_ratings"] = min_ratings

    json_attribute: list[str] | Unset = UNSET
    if not isinstance(attribute, Unset):
        json_attribute = attribute

    params["attribute"] = json_attribute

    params["window"] = window

    params["half_life"] = half_life

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/movies/trending",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ErrorBody | InvalidRequestBody | TrendingMovies | None:
    if response.status_code == 200:
        response_200 = TrendingMovies.from_dict(response.json())

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
) -> Response[Any | ErrorBody | InvalidRequestBody | TrendingMovies]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    window: str | Unset = "7d",
    half_life: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> Response[Any | ErrorBody | InvalidRequestBody | TrendingMovies]:
    """Movies that are liked lately

     Return the movies with likes in the last hours or days, page by page, the most liked first.

    A like counts less the older it is, by the half-life; likes are counted once a minute at most,
    by six hours.

    Args:
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset):
        year_to (int | Unset):
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        window (str | Unset):  Default: '7d'.
        half_life (str | Unset):
        limit (int | Unset): Movies per page Default: 20.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | InvalidRequestBody | TrendingMovies]
    """

    kwargs = _get_kwargs(
        genre=genre,
        exclude_genre=exclude_genre,
        year_from=year_from,
        year_to=year_to,
        exclude=exclude,
        min_ratings=min_ratings,
        attribute=attribute,
        window=window,
        half_life=half_life,
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
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    window: str | Unset = "7d",
    half_life: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> Any | ErrorBody | InvalidRequestBody | TrendingMovies | None:
    """Movies that are liked lately

     Return the movies with likes in the last hours or days, page by page, the most liked first.

    A like counts less the older it is, by the half-life; likes are counted once a minute at most,
    by six hours.

    Args:
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset):
        year_to (int | Unset):
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        window (str | Unset):  Default: '7d'.
        half_life (str | Unset):
        limit (int | Unset): Movies per page Default: 20.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | InvalidRequestBody | TrendingMovies
    """

    return sync_detailed(
        client=client,
        genre=genre,
        exclude_genre=exclude_genre,
        year_from=year_from,
        year_to=year_to,
        exclude=exclude,
        min_ratings=min_ratings,
        attribute=attribute,
        window=window,
        half_life=half_life,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    window: str | Unset = "7d",
    half_life: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> Response[Any | ErrorBody | InvalidRequestBody | TrendingMovies]:
    """Movies that are liked lately

     Return the movies with likes in the last hours or days, page by page, the most liked first.

    A like counts less the older it is, by the half-life; likes are counted once a minute at most,
    by six hours.

    Args:
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset):
        year_to (int | Unset):
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        window (str | Unset):  Default: '7d'.
        half_life (str | Unset):
        limit (int | Unset): Movies per page Default: 20.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | InvalidRequestBody | TrendingMovies]
    """

    kwargs = _get_kwargs(
        genre=genre,
        exclude_genre=exclude_genre,
        year_from=year_from,
        year_to=year_to,
        exclude=exclude,
        min_ratings=min_ratings,
        attribute=attribute,
        window=window,
        half_life=half_life,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    window: str | Unset = "7d",
    half_life: str | Unset = UNSET,
    limit: int | Unset = 20,
    cursor: str | Unset = "",
) -> Any | ErrorBody | InvalidRequestBody | TrendingMovies | None:
    """Movies that are liked lately

     Return the movies with likes in the last hours or days, page by page, the most liked first.

    A like counts less the older it is, by the half-life; likes are counted once a minute at most,
    by six hours.

    Args:
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset):
        year_to (int | Unset):
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        window (str | Unset):  Default: '7d'.
        half_life (str | Unset):
        limit (int | Unset): Movies per page Default: 20.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | InvalidRequestBody | TrendingMovies
    """

    return (
        await asyncio_detailed(
            client=client,
            genre=genre,
            exclude_genre=exclude_genre,
            year_from=year_from,
            year_to=year_to,
            exclude=exclude,
            min_ratings=min_ratings,
            attribute=attribute,
            window=window,
            half_life=half_life,
            limit=limit,
            cursor=cursor,
        )
    ).parsed

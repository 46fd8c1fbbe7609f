from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...models.similar_movies import SimilarMovies
from ...types import UNSET, Response, Unset


def _get_kwargs(
    movie: int | str,
    *,
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    limit: int | Unset = 20,
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

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/movies/{movie}/similar".format(
            movie=quote(str(movie), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ErrorBody | InvalidRequestBody | SimilarMovies | None:
    if response.status_code == 200:
        response_200 = SimilarMovies.from_dict(response.json())

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
) -> Response[Any | ErrorBody | InvalidRequestBody | SimilarMovies]:
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
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    limit: int | Unset = 20,
) -> Response[Any | ErrorBody | InvalidRequestBody | SimilarMovies]:
    """Similar movies

     Return movies that the same users like, the most similar first.

    Movies that the model does not know are compared by genres; `source` and `reason` say so.

    Args:
        movie (int | str):
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset):
        year_to (int | Unset):
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        limit (int | Unset): Movies at most Default: 20.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | InvalidRequestBody | SimilarMovies]
    """

    kwargs = _get_kwargs(
        movie=movie,
        genre=genre,
        exclude_genre=exclude_genre,
        year_from=year_from,
        year_to=year_to,
        exclude=exclude,
        min_ratings=min_ratings,
        attribute=attribute,
        limit=limit,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    movie: int | str,
    *,
    client: AuthenticatedClient,
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    limit: int | Unset = 20,
) -> Any | ErrorBody | InvalidRequestBody | SimilarMovies | None:
    """Similar movies

     Return movies that the same users like, the most similar first.

    Movies that the model does not know are compared by genres; `source` and `reason` say so.

    Args:
        movie (int | str):
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset):
        year_to (int | Unset):
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        limit (int | Unset): Movies at most Default: 20.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | InvalidRequestBody | SimilarMovies
    """

    return sync_detailed(
        movie=movie,
        client=client,
        genre=genre,
        exclude_genre=exclude_genre,
        year_from=year_from,
        year_to=year_to,
        exclude=exclude,
        min_ratings=min_ratings,
        attribute=attribute,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    movie: int | str,
    *,
    client: AuthenticatedClient,
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    limit: int | Unset = 20,
) -> Response[Any | ErrorBody | InvalidRequestBody | SimilarMovies]:
    """Similar movies

     Return movies that the same users like, the most similar first.

    Movies that the model does not know are compared by genres; `source` and `reason` say so.

    Args:
        movie (int | str):
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset):
        year_to (int | Unset):
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        limit (int | Unset): Movies at most Default: 20.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorBody | InvalidRequestBody | SimilarMovies]
    """

    kwargs = _get_kwargs(
        movie=movie,
        genre=genre,
        exclude_genre=exclude_genre,
        year_from=year_from,
        year_to=year_to,
        exclude=exclude,
        min_ratings=min_ratings,
        attribute=attribute,
        limit=limit,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    movie: int | str,
    *,
    client: AuthenticatedClient,
    genre: list[str] | Unset = UNSET,
    exclude_genre: list[str] | Unset = UNSET,
    year_from: int | Unset = UNSET,
    year_to: int | Unset = UNSET,
    exclude: list[int | str] | Unset = UNSET,
    min_ratings: int | Unset = 0,
    attribute: list[str] | Unset = UNSET,
    limit: int | Unset = 20,
) -> Any | ErrorBody | InvalidRequestBody | SimilarMovies | None:
    """Similar movies

     Return movies that the same users like, the most similar first.

    Movies that the model does not know are compared by genres; `source` and `reason` say so.

    Args:
        movie (int | str):
        genre (list[str] | Unset): Only movies of any of these; may be repeated
        exclude_genre (list[str] | Unset): No movie of any of these; may be repeated
        year_from (int | Unset):
        year_to (int | Unset):
        exclude (list[int | str] | Unset): None of these movies; may be repeated
        min_ratings (int | Unset): Only movies with at least so many ratings Default: 0.
        attribute (list[str] | Unset): Only movies with this text or tag, `studio:Ghibli`, or with
            a number in this range, `price:10..20`, `price:..20` or `price:10..`; repeated, all must
            hold
        limit (int | Unset): Movies at most Default: 20.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorBody | InvalidRequestBody | SimilarMovies
    """

    return (
        await asyncio_detailed(
            movie=movie,
            client=client,
            genre=genre,
            exclude_genre=exclude_genre,
            year_from=year_from,
            year_to=year_to,
            exclude=exclude,
            min_ratings=min_ratings,
            attribute=attribute,
            limit=limit,
        )
    ).parsed

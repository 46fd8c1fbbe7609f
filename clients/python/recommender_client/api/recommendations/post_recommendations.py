from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.anonymous_recommendations import AnonymousRecommendations
from ...models.anonymous_request import AnonymousRequest
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...types import Response


def _get_kwargs(
    *,
    body: AnonymousRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/recommendations",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AnonymousRecommendations | ErrorBody | InvalidRequestBody | None:
    if response.status_code == 200:
        response_200 = AnonymousRecommendations.from_dict(response.json())

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

    if response.status_code == 410:
        response_410 = ErrorBody.from_dict(response.json())

        return response_410

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
) -> Response[AnonymousRecommendations | ErrorBody | InvalidRequestBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: AnonymousRequest,
) -> Response[AnonymousRecommendations | ErrorBody | InvalidRequestBody]:
    """Movies for an anonymous user

     Return movies for the ratings in the body; nothing is stored.

    Ratings of movies that do not exist are ignored; `ignored` lists these movies.

    Args:
        body (AnonymousRequest): Ratings of an anonymous user, and the options of the list.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AnonymousRecommendations | ErrorBody | InvalidRequestBody]
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
    body: AnonymousRequest,
) -> AnonymousRecommendations | ErrorBody | InvalidRequestBody | None:
    """Movies for an anonymous user

     Return movies for the ratings in the body; nothing is stored.

    Ratings of movies that do not exist are ignored; `ignored` lists these movies.

    Args:
        body (AnonymousRequest): Ratings of an anonymous user, and the options of the list.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AnonymousRecommendations | ErrorBody | InvalidRequestBody
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: AnonymousRequest,
) -> Response[AnonymousRecommendations | ErrorBody | InvalidRequestBody]:
    """Movies for an anonymous user

     Return movies for the ratings in the body; nothing is stored.

    Ratings of movies that do not exist are ignored; `ignored` lists these movies.

    Args:
        body (AnonymousRequest): Ratings of an anonymous user, and the options of the list.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AnonymousRecommendations | ErrorBody | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: AnonymousRequest,
) -> AnonymousRecommendations | ErrorBody | InvalidRequestBody | None:
    """Movies for an anonymous user

     Return movies for the ratings in the body; nothing is stored.

    Ratings of movies that do not exist are ignored; `ignored` lists these movies.

    Args:
        body (AnonymousRequest): Ratings of an anonymous user, and the options of the list.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AnonymousRecommendations | ErrorBody | InvalidRequestBody
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed

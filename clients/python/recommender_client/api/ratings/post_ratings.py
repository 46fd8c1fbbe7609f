from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.bulk_ratings_request import BulkRatingsRequest
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...models.rating_results import RatingResults
from ...types import UNSET, Response, Unset


def _get_kwargs(
    user: str,
    *,
    body: BulkRatingsRequest,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/users/{user}/ratings".format(
            user=quote(str(user), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | InvalidRequestBody | RatingResults | None:
    if response.status_code == 200:
        response_200 = RatingResults.from_dict(response.json())

        return response_200

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
) -> Response[ErrorBody | InvalidRequestBody | RatingResults]:
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
    body: BulkRatingsRequest,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | InvalidRequestBody | RatingResults]:
    """Rate many movies

     Store up to 1,000 ratings of one user in one transaction, and return the result for each.

    A rating of an unknown movie is left out; all others are stored. Malformed input is refused as a
    whole.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        idempotency_key (str | Unset):
        body (BulkRatingsRequest): Ratings of many movies by one user.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | RatingResults]
    """

    kwargs = _get_kwargs(
        user=user,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    user: str,
    *,
    client: AuthenticatedClient,
    body: BulkRatingsRequest,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | InvalidRequestBody | RatingResults | None:
    """Rate many movies

     Store up to 1,000 ratings of one user in one transaction, and return the result for each.

    A rating of an unknown movie is left out; all others are stored. Malformed input is refused as a
    whole.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        idempotency_key (str | Unset):
        body (BulkRatingsRequest): Ratings of many movies by one user.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | RatingResults
    """

    return sync_detailed(
        user=user,
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    user: str,
    *,
    client: AuthenticatedClient,
    body: BulkRatingsRequest,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | InvalidRequestBody | RatingResults]:
    """Rate many movies

     Store up to 1,000 ratings of one user in one transaction, and return the result for each.

    A rating of an unknown movie is left out; all others are stored. Malformed input is refused as a
    whole.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        idempotency_key (str | Unset):
        body (BulkRatingsRequest): Ratings of many movies by one user.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | InvalidRequestBody | RatingResults]
    """

    kwargs = _get_kwargs(
        user=user,
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user: str,
    *,
    client: AuthenticatedClient,
    body: BulkRatingsRequest,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | InvalidRequestBody | RatingResults | None:
    """Rate many movies

     Store up to 1,000 ratings of one user in one transaction, and return the result for each.

    A rating of an unknown movie is left out; all others are stored. Malformed input is refused as a
    whole.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        idempotency_key (str | Unset):
        body (BulkRatingsRequest): Ratings of many movies by one user.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | InvalidRequestBody | RatingResults
    """

    return (
        await asyncio_detailed(
            user=user,
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed

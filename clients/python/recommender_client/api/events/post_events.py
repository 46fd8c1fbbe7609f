from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.event_results import EventResults
from ...models.events_request import EventsRequest
from ...models.invalid_request_body import InvalidRequestBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    body: EventsRequest,
    idempotency_key: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(idempotency_key, Unset):
        headers["Idempotency-Key"] = idempotency_key

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/events",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | EventResults | InvalidRequestBody | None:
    if response.status_code == 200:
        response_200 = EventResults.from_dict(response.json())

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
) -> Response[ErrorBody | EventResults | InvalidRequestBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: EventsRequest,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | EventResults | InvalidRequestBody]:
    """Record events

     Record up to 5,000 events of many users in one transaction; return the result for each.

    An event that is known already changes nothing; one of an unknown movie, or with the id of
    another event, is left out; all others are recorded. Malformed input is refused as a whole.
    Unknown users are created.

    Args:
        idempotency_key (str | Unset):
        body (EventsRequest): Events of many users, in the order in which they happened.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | EventResults | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: EventsRequest,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | EventResults | InvalidRequestBody | None:
    """Record events

     Record up to 5,000 events of many users in one transaction; return the result for each.

    An event that is known already changes nothing; one of an unknown movie, or with the id of
    another event, is left out; all others are recorded. Malformed input is refused as a whole.
    Unknown users are created.

    Args:
        idempotency_key (str | Unset):
        body (EventsRequest): Events of many users, in the order in which they happened.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | EventResults | InvalidRequestBody
    """

    return sync_detailed(
        client=client,
        body=body,
        idempotency_key=idempotency_key,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: EventsRequest,
    idempotency_key: str | Unset = UNSET,
) -> Response[ErrorBody | EventResults | InvalidRequestBody]:
    """Record events

     Record up to 5,000 events of many users in one transaction; return the result for each.

    An event that is known already changes nothing; one of an unknown movie, or with the id of
    another event, is left out; all others are recorded. Malformed input is refused as a whole.
    Unknown users are created.

    Args:
        idempotency_key (str | Unset):
        body (EventsRequest): Events of many users, in the order in which they happened.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | EventResults | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        body=body,
        idempotency_key=idempotency_key,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: EventsRequest,
    idempotency_key: str | Unset = UNSET,
) -> ErrorBody | EventResults | InvalidRequestBody | None:
    """Record events

     Record up to 5,000 events of many users in one transaction; return the result for each.

    An event that is known already changes nothing; one of an unknown movie, or with the id of
    another event, is left out; all others are recorded. Malformed input is refused as a whole.
    Unknown users are created.

    Args:
        idempotency_key (str | Unset):
        body (EventsRequest): Events of many users, in the order in which they happened.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | EventResults | InvalidRequestBody
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
            idempotency_key=idempotency_key,
        )
    ).parsed

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.events_page import EventsPage
from ...models.get_events_kind_item import GetEventsKindItem
from ...models.invalid_request_body import InvalidRequestBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    user: str,
    *,
    kind: list[GetEventsKindItem] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_kind: list[str] | Unset = UNSET
    if not isinstance(kind, Unset):
        json_kind = []
        for kind_item_data in kind:
            kind_item: str = kind_item_data
            json_kind.append(kind_item)

    params["kind"] = json_kind

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/users/{user}/events".format(
            user=quote(str(user), safe=""),
        ),
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | EventsPage | InvalidRequestBody | None:
    if response.status_code == 200:
        response_200 = EventsPage.from_dict(response.json())

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
) -> Response[ErrorBody | EventsPage | InvalidRequestBody]:
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
    kind: list[GetEventsKindItem] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> Response[ErrorBody | EventsPage | InvalidRequestBody]:
    """The events of a user

     Return what this user did, the latest first; nothing for an unknown user.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        kind (list[GetEventsKindItem] | Unset): Only events of these kinds; may be repeated
        limit (int | Unset): Events per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | EventsPage | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        user=user,
        kind=kind,
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
    kind: list[GetEventsKindItem] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> ErrorBody | EventsPage | InvalidRequestBody | None:
    """The events of a user

     Return what this user did, the latest first; nothing for an unknown user.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        kind (list[GetEventsKindItem] | Unset): Only events of these kinds; may be repeated
        limit (int | Unset): Events per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | EventsPage | InvalidRequestBody
    """

    return sync_detailed(
        user=user,
        client=client,
        kind=kind,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    user: str,
    *,
    client: AuthenticatedClient,
    kind: list[GetEventsKindItem] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> Response[ErrorBody | EventsPage | InvalidRequestBody]:
    """The events of a user

     Return what this user did, the latest first; nothing for an unknown user.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        kind (list[GetEventsKindItem] | Unset): Only events of these kinds; may be repeated
        limit (int | Unset): Events per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | EventsPage | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        user=user,
        kind=kind,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    user: str,
    *,
    client: AuthenticatedClient,
    kind: list[GetEventsKindItem] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> ErrorBody | EventsPage | InvalidRequestBody | None:
    """The events of a user

     Return what this user did, the latest first; nothing for an unknown user.

    Args:
        user (str): The key under which you know this user; it is opaque to the service
        kind (list[GetEventsKindItem] | Unset): Only events of these kinds; may be repeated
        limit (int | Unset): Events per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | EventsPage | InvalidRequestBody
    """

    return (
        await asyncio_detailed(
            user=user,
            client=client,
            kind=kind,
            limit=limit,
            cursor=cursor,
        )
    ).parsed

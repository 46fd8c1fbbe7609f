from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.action import Action
from ...models.audit_page import AuditPage
from ...models.error_body import ErrorBody
from ...models.invalid_request_body import InvalidRequestBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    action: list[Action] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_action: list[str] | Unset = UNSET
    if not isinstance(action, Unset):
        json_action = []
        for action_item_data in action:
            action_item: str = action_item_data
            json_action.append(action_item)

    params["action"] = json_action

    params["limit"] = limit

    params["cursor"] = cursor

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/audit",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AuditPage | ErrorBody | InvalidRequestBody | None:
    if response.status_code == 200:
        response_200 = AuditPage.from_dict(response.json())

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
) -> Response[AuditPage | ErrorBody | InvalidRequestBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    action: list[Action] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> Response[AuditPage | ErrorBody | InvalidRequestBody]:
    """Who changed what

     Return what operators and trainings did: models, keys, rules, imports, erasures.

    Records are never changed or deleted, and hold no user key.

    Args:
        action (list[Action] | Unset): Only these actions; may be repeated
        limit (int | Unset): Records per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditPage | ErrorBody | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        action=action,
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
    action: list[Action] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> AuditPage | ErrorBody | InvalidRequestBody | None:
    """Who changed what

     Return what operators and trainings did: models, keys, rules, imports, erasures.

    Records are never changed or deleted, and hold no user key.

    Args:
        action (list[Action] | Unset): Only these actions; may be repeated
        limit (int | Unset): Records per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditPage | ErrorBody | InvalidRequestBody
    """

    return sync_detailed(
        client=client,
        action=action,
        limit=limit,
        cursor=cursor,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    action: list[Action] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> Response[AuditPage | ErrorBody | InvalidRequestBody]:
    """Who changed what

     Return what operators and trainings did: models, keys, rules, imports, erasures.

    Records are never changed or deleted, and hold no user key.

    Args:
        action (list[Action] | Unset): Only these actions; may be repeated
        limit (int | Unset): Records per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AuditPage | ErrorBody | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        action=action,
        limit=limit,
        cursor=cursor,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    action: list[Action] | Unset = UNSET,
    limit: int | Unset = 100,
    cursor: str | Unset = "",
) -> AuditPage | ErrorBody | InvalidRequestBody | None:
    """Who changed what

     Return what operators and trainings did: models, keys, rules, imports, erasures.

    Records are never changed or deleted, and hold no user key.

    Args:
        action (list[Action] | Unset): Only these actions; may be repeated
        limit (int | Unset): Records per page Default: 100.
        cursor (str | Unset): `next` of the page before; empty for the first page Default: ''.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AuditPage | ErrorBody | InvalidRequestBody
    """

    return (
        await asyncio_detailed(
            client=client,
            action=action,
            limit=limit,
            cursor=cursor,
        )
    ).parsed

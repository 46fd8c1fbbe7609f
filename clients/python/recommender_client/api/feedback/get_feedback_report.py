import datetime
from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.feedback_report import FeedbackReport
from ...models.get_feedback_report_by_item import (
    GetFeedbackReportByItem,
)
from ...models.invalid_request_body import InvalidRequestBody
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    since: datetime.datetime | Unset = UNSET,
    until: datetime.datetime | Unset = UNSET,
    by: list[GetFeedbackReportByItem] | Unset = UNSET,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_since: str | Unset = UNSET
    if not isinstance(since, Unset):
        json_since = since.isoformat()
    params["since"] = json_since

    json_until: str | Unset = UNSET
    if not isinstance(until, Unset):
        json_until = until.isoformat()
    params["until"] = json_until

    json_by: list[str] | Unset = UNSET
    if not isinstance(by, Unset):
        json_by = []
        for by_item_data in by:
            by_item: str = by_item_data
            json_by.append(by_item)

    params["by"] = json_by

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/feedback/report",
        "params": params,
    }

    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | FeedbackReport | InvalidRequestBody | None:
    if response.status_code == 200:
        response_200 = FeedbackReport.from_dict(response.json())

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
) -> Response[ErrorBody | FeedbackReport | InvalidRequestBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    since: datetime.datetime | Unset = UNSET,
    until: datetime.datetime | Unset = UNSET,
    by: list[GetFeedbackReportByItem] | Unset = UNSET,
) -> Response[ErrorBody | FeedbackReport | InvalidRequestBody]:
    """What came of lists

     Return click-through, conversion and dismissals by model, scenario, place and experiment.

    Each with a 95 % interval that takes the showings of one user as dependent.

    Args:
        since (datetime.datetime | Unset):
        until (datetime.datetime | Unset):
        by (list[GetFeedbackReportByItem] | Unset): What has a row of its own; all, where left out

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | FeedbackReport | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        since=since,
        until=until,
        by=by,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    since: datetime.datetime | Unset = UNSET,
    until: datetime.datetime | Unset = UNSET,
    by: list[GetFeedbackReportByItem] | Unset = UNSET,
) -> ErrorBody | FeedbackReport | InvalidRequestBody | None:
    """What came of lists

     Return click-through, conversion and dismissals by model, scenario, place and experiment.

    Each with a 95 % interval that takes the showings of one user as dependent.

    Args:
        since (datetime.datetime | Unset):
        until (datetime.datetime | Unset):
        by (list[GetFeedbackReportByItem] | Unset): What has a row of its own; all, where left out

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | FeedbackReport | InvalidRequestBody
    """

    return sync_detailed(
        client=client,
        since=since,
        until=until,
        by=by,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    since: datetime.datetime | Unset = UNSET,
    until: datetime.datetime | Unset = UNSET,
    by: list[GetFeedbackReportByItem] | Unset = UNSET,
) -> Response[ErrorBody | FeedbackReport | InvalidRequestBody]:
    """What came of lists

     Return click-through, conversion and dismissals by model, scenario, place and experiment.

    Each with a 95 % interval that takes the showings of one user as dependent.

    Args:
        since (datetime.datetime | Unset):
        until (datetime.datetime | Unset):
        by (list[GetFeedbackReportByItem] | Unset): What has a row of its own; all, where left out

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | FeedbackReport | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        since=since,
        until=until,
        by=by,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    since: datetime.datetime | Unset = UNSET,
    until: datetime.datetime | Unset = UNSET,
    by: list[GetFeedbackReportByItem] | Unset = UNSET,
) -> ErrorBody | FeedbackReport | InvalidRequestBody | None:
    """What came of lists

     Return click-through, conversion and dismissals by model, scenario, place and experiment.

    Each with a 95 % interval that takes the showings of one user as dependent.

    Args:
        since (datetime.datetime | Unset):
        until (datetime.datetime | Unset):
        by (list[GetFeedbackReportByItem] | Unset): What has a row of its own; all, where left out

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | FeedbackReport | InvalidRequestBody
    """

    return (
        await asyncio_detailed(
            client=client,
            since=since,
            until=until,
            by=by,
        )
    ).parsed

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.error_body import ErrorBody
from ...models.experiment_definition import ExperimentDefinition
from ...models.experiment_detail import ExperimentDetail
from ...models.invalid_request_body import InvalidRequestBody
from ...types import Response


def _get_kwargs(
    name: str,
    *,
    body: ExperimentDefinition,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "put",
        "url": "/experiments/{name}".format(
            name=quote(str(name), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorBody | ExperimentDetail | InvalidRequestBody | None:
    if response.status_code == 200:
        response_200 = ExperimentDetail.from_dict(response.json())

        return response_200

    if response.status_code == 201:
        response_201 = ExperimentDetail.from_dict(response.json())

        return response_201

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
) -> Response[ErrorBody | ExperimentDetail | InvalidRequestBody]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    name: str,
    *,
    client: AuthenticatedClient,
    body: ExperimentDefinition,
) -> Response[ErrorBody | ExperimentDetail | InvalidRequestBody]:
    """Begin an experiment

     Begin an experiment; every worker takes part within 2 seconds.

    It cannot be changed, only stopped, and its name cannot be used again.

    Args:
        name (str): Name of an experiment
        body (ExperimentDefinition): What is compared, for whom, and by what.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | ExperimentDetail | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        name=name,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    name: str,
    *,
    client: AuthenticatedClient,
    body: ExperimentDefinition,
) -> ErrorBody | ExperimentDetail | InvalidRequestBody | None:
    """Begin an experiment

     Begin an experiment; every worker takes part within 2 seconds.

    It cannot be changed, only stopped, and its name cannot be used again.

    Args:
        name (str): Name of an experiment
        body (ExperimentDefinition): What is compared, for whom, and by what.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | ExperimentDetail | InvalidRequestBody
    """

    return sync_detailed(
        name=name,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    name: str,
    *,
    client: AuthenticatedClient,
    body: ExperimentDefinition,
) -> Response[ErrorBody | ExperimentDetail | InvalidRequestBody]:
    """Begin an experiment

     Begin an experiment; every worker takes part within 2 seconds.

    It cannot be changed, only stopped, and its name cannot be used again.

    Args:
        name (str): Name of an experiment
        body (ExperimentDefinition): What is compared, for whom, and by what.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorBody | ExperimentDetail | InvalidRequestBody]
    """

    kwargs = _get_kwargs(
        name=name,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    name: str,
    *,
    client: AuthenticatedClient,
    body: ExperimentDefinition,
) -> ErrorBody | ExperimentDetail | InvalidRequestBody | None:
    """Begin an experiment

     Begin an experiment; every worker takes part within 2 seconds.

    It cannot be changed, only stopped, and its name cannot be used again.

    Args:
        name (str): Name of an experiment
        body (ExperimentDefinition): What is compared, for whom, and by what.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorBody | ExperimentDetail | InvalidRequestBody
    """

    return (
        await asyncio_detailed(
            name=name,
            client=client,
            body=body,
        )
    ).parsed

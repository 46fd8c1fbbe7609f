"""The page that made a browser send a request."""

import pytest
from starlette.datastructures import Headers

from app.auth.origin import PageOrigin, page_origin

HOST = {"host": "films.example"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, PageOrigin.NONE),
        ({"origin": ""}, PageOrigin.NONE),
        ({"sec-fetch-site": "none"}, PageOrigin.NONE),
        ({"sec-fetch-site": "same-origin"}, PageOrigin.OWN),
        ({"sec-fetch-site": "same-origin", "origin": "http://behind.proxy"}, PageOrigin.OWN),
        ({"origin": "https://films.example"}, PageOrigin.OWN),
        ({"sec-fetch-site": "same-site"}, PageOrigin.FOREIGN),
        ({"sec-fetch-site": "cross-site", "origin": "https://films.example"}, PageOrigin.FOREIGN),
        ({"sec-fetch-site": ""}, PageOrigin.FOREIGN),
        ({"origin": "https://films.example:8000"}, PageOrigin.FOREIGN),
        ({"origin": "https://evil.example"}, PageOrigin.FOREIGN),
        ({"origin": "null"}, PageOrigin.FOREIGN),
        ({"origin": "http://["}, PageOrigin.FOREIGN),
        ({"origin": "null", "host": ""}, PageOrigin.FOREIGN),
    ],
)
def test_browsers_say_where_a_page_comes_from(
    headers: dict[str, str], expected: PageOrigin
) -> None:
    assert page_origin(Headers({**HOST, **headers})) is expected

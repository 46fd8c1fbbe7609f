"""The page that made a browser send a request: of this service, of another site, or none."""

from enum import Enum, auto

from starlette.datastructures import Headers


class PageOrigin(Enum):
    """Where the page that sent a request comes from."""

    OWN = auto()
    FOREIGN = auto()
    NONE = auto()  # a program, or a URL that a user has typed or bookmarked


def page_origin(headers: Headers) -> PageOrigin:
    """Read the headers that browsers set and that no page can change."""
    site = headers.get("sec-fetch-site")
    if site is not None:  # preferred, since proxies may change the Host header
        if site == "none":
            return PageOrigin.NONE
        return PageOrigin.OWN if site == "same-origin" else PageOrigin.FOREIGN
    origin = headers.get("origin")
    if not origin:
        return PageOrigin.NONE
    host = origin.partition("://")[2]  # empty for the origin `null`
    return PageOrigin.OWN if host and host == headers.get("host") else PageOrigin.FOREIGN

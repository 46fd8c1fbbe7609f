"""The address of a client, also behind proxies."""

import ipaddress
from collections.abc import Sequence

from starlette.types import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED_FOR = b"x-forwarded-for"
# A customer of a provider usually has a whole network of this size.
IPV6_CUSTOMER_BITS = 64


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """Return the address for the rate limit: the peer's, or the one that trusted proxies report."""
    peer = scope.get("client")
    address = parse(peer[0]) if peer else None
    if address is None:
        return "unknown"
    if trusted and _is_in(address, trusted):
        address = _forwarded(scope, trusted, address)
    return _counted(address)


def parse(text: str) -> Address | None:
    """Read an address, None for any other text."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _forwarded(scope: Scope, trusted: Sequence[Network], peer: Address) -> Address:
    """Return the last address in X-Forwarded-For that is no trusted proxy."""
    values = [value for name, value in scope["headers"] if name == FORWARDED_FOR]
    for text in reversed(b",".join(values).decode("latin-1").split(",")):
        address = parse(text)
        if address is None:
            return peer
        if not _is_in(address, trusted):
            return address
        peer = address
    return peer


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def _counted(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, IPV6_CUSTOMER_BITS), strict=False))

"""The `recommendation_id` of a list: where the list came from, signed, with nothing stored.

base64url of a truncated HMAC-SHA256 (12 bytes) and the parts of the `Origin`, one a line. The same
list of the same user has the same id in every worker; the id of one user is worth nothing for
another, and nobody can make one up.
"""

from __future__ import annotations

import base64
import hmac
from typing import NamedTuple

MAC_BYTES = 12
# A version, three names of 64 characters and the signature are 330 characters.
MAX_LENGTH = 400


class Origin(NamedTuple):
    """Where a list came from; None for what it had no part of."""

    model: str | None = None
    scenario: str | None = None
    experiment: str | None = None
    arm: str | None = None


def encode(secret: bytes, user: str | None, origin: Origin) -> str:
    """Return the id of a list for a user, None for ratings that came with the request."""
    payload = "\n".join(part or "" for part in origin).encode()
    return base64.urlsafe_b64encode(_mac(secret, user, payload) + payload).rstrip(b"=").decode()


def decode(secret: bytes, user: str | None, text: str) -> Origin:
    """Read an id; raise ValueError for one that this service did not give to this user."""
    try:
        padded = text + "=" * (-len(text) % 4)
        content = base64.b64decode(padded, altchars=b"-_", validate=True)
    except ValueError:
        content = b""
    mac, payload = content[:MAC_BYTES], content[MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, user, payload)):
        raise ValueError("this is no recommendation_id of this user")
    return Origin(*(part or None for part in payload.decode().split("\n")))


def _mac(secret: bytes, user: str | None, payload: bytes) -> bytes:
    # A user's key is never empty, and no payload has a NUL: no two of them give the same text.
    signed = payload + b"\0" + (user or "").encode()
    return hmac.digest(secret, signed, "sha256")[:MAC_BYTES]

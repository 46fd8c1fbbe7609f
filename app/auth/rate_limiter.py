"""Rate limits: a token bucket in memory for each key and address."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import NamedTuple

WINDOW_S = 60
# A bucket takes some 250 bytes; above this number the least recently used ones are dropped.
MAX_BUCKETS = 100_000

# Bytes of a body that cost as much as a request. With 5,000 ratings, some 175 KB and the most that
# a request may have, it takes as long as ten to forty others.
BYTES_PER_TOKEN = 4096
# A list for each user in the body: about one token for each. Events are written together.
BYTES_PER_TOKEN_OF = {"/recommendations/batch": 16, "/events": 16 * 1024, "/feedback": 16 * 1024}
# Longer bodies, which are events, or a model of an admin, count as one of this length.
MAX_COUNTED = 1024 * 1024


def cost(path: str, length: int | None) -> int:
    """Return the tokens of a request, by the length of its body; None if it does not say."""
    counted = MAX_COUNTED if length is None else min(length, MAX_COUNTED)
    return 1 + counted // BYTES_PER_TOKEN_OF.get(path, BYTES_PER_TOKEN)


class Allowance(NamedTuple):
    """The remaining limit of a client after a request."""

    limit: int
    remaining: int
    reset_s: int  # until the whole limit is available again
    retry_s: int  # until the next request is allowed; 0 when this one is

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Response headers."""
        headers = [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset_s),
        ]
        return [*headers, (b"retry-after", b"%d" % self.retry_s)] if self.retry_s else headers


class Limiter:
    """Allows each client `per_minute` tokens at once, refilled over a minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self.per_minute = per_minute
        self.clock = clock
        self._rate = per_minute / WINDOW_S
        # Client → (tokens, when), in the order of last use.
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, client: str, cost: int = 1) -> Allowance | None:
        """Count a request of this cost; None without a limit."""
        if not self.per_minute:
            return None
        price = min(cost, self.per_minute)  # or it could never be paid
        now = self.clock()
        tokens, when = self._buckets.pop(client, (float(self.per_minute), now))
        tokens = min(tokens + (now - when) * self._rate, self.per_minute)
        allowed = tokens >= price
        if allowed:
            tokens -= price
        self._buckets[client] = (tokens, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._forget()
        return Allowance(
            limit=self.per_minute,
            remaining=int(tokens),
            reset_s=ceil((self.per_minute - tokens) / self._rate),
            retry_s=0 if allowed else max(ceil((price - tokens) / self._rate), 1),
        )

    def _forget(self) -> None:
        """Drop the least recently used tenth; most of them are full again, so nothing is lost."""
        for client in list(self._buckets)[: MAX_BUCKETS // 10]:
            del self._buckets[client]

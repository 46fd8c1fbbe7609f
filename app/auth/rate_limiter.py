"""How many requests a key or an address may send: a token bucket each, in memory."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import NamedTuple

WINDOW_S = 60
# A bucket takes some 250 bytes; when there are more, those that have been full for long go.
MAX_BUCKETS = 100_000


class Allowance(NamedTuple):
    """What is left for a client after a request."""

    limit: int
    remaining: int
    reset_s: int  # until the whole limit is there again
    retry_s: int  # until the next request may come; 0 when this one may

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Say it to the client."""
        headers = [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset_s),
        ]
        return [*headers, (b"retry-after", b"%d" % self.retry_s)] if self.retry_s else headers


class Limiter:
    """Allows each client `per_minute` requests at once, and as many more over each minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = monotonic) -> None:
        self.per_minute = per_minute
        self.clock = clock
        self._rate = per_minute / WINDOW_S
        # Client → (tokens, when); in the order of last use, since each use puts it at the end.
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, client: str) -> Allowance | None:
        """Count a request; None where nothing is limited."""
        if not self.per_minute:
            return None
        now = self.clock()
        tokens, when = self._buckets.pop(client, (float(self.per_minute), now))
        tokens = min(tokens + (now - when) * self._rate, self.per_minute)
        allowed = tokens >= 1
        if allowed:
            tokens -= 1
        self._buckets[client] = (tokens, now)
        if len(self._buckets) > MAX_BUCKETS:
            self._forget()
        return Allowance(
            limit=self.per_minute,
            remaining=int(tokens),
            reset_s=ceil((self.per_minute - tokens) / self._rate),
            retry_s=0 if allowed else max(ceil((1 - tokens) / self._rate), 1),
        )

    def _forget(self) -> None:
        """Drop the tenth that was used longest ago; most are full again, and so nothing is lost."""
        for client in list(self._buckets)[: MAX_BUCKETS // 10]:
            del self._buckets[client]

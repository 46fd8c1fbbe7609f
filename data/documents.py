"""JSON documents from outside: cards of models, rows of back-ups.

What is read here can be stored by both databases, and encoded again for a client.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

__all__ = ["MAX_DOCUMENT_BYTES", "parse", "refuse_unstorable"]

# A card has a line per epoch and a figure per group of movies: about ten kilobytes.
MAX_DOCUMENT_BYTES = 4 << 20
# Cards have 6 levels. Encoders give up at some 200.
MAX_DEPTH = 32
MAX_NUMBER = 2**63
# PostgreSQL stores neither; half a surrogate pair is no text to any encoder.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse(content: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ValueError
        It is too long, no JSON object, or `refuse_unstorable` refuses it.
    """
    if len(content) > MAX_DOCUMENT_BYTES:
        raise ValueError(f"it is longer than {MAX_DOCUMENT_BYTES} bytes")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON, or nested too deeply: {error}") from error
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 (of the content, not of a type)
    refuse_unstorable(document)
    return document


def refuse_unstorable(document: object) -> None:
    """Raise if a JSON value could not be stored, or not be encoded again.

    Raises
    ------
    ValueError
        A number that is not finite or beyond 64 bits, a text with NUL or half a surrogate pair, or
        more than 32 levels.
    """
    level = [document]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value)
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
            else:
                _refuse_value(value)
        if not inner:
            return
        level = inner
    raise ValueError(f"it has more than {MAX_DEPTH} levels")


def _refuse_value(value: object) -> None:
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise ValueError("a text in it holds NUL or half a surrogate pair")
    if isinstance(value, int) and not -MAX_NUMBER <= value < MAX_NUMBER:
        raise ValueError("a number in it has more than 64 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number in it is not finite")

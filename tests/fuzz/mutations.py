"""Damage to valid input, and input that was never valid."""

import re
from random import Random

# What readers stumble over: structure, text that is none, numbers that are too large.
TOKENS = [
    b"", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"', b"'", b"\r", b"\n", b"\r\n", b",",
    b"|", b"::", b"\t", b"\x1f", b"\x1b[2J", b"\xe2\x80\xae", b"\xef\xbf\xbf", b"..", b".", b"../",
    b"/", b"{", b"}", b"[", b"]", b"[" * 500, b'{"a":' * 100, b"null", b"true", b"\\u0000",
    b"\\ud800", b"NaN", b"Infinity", b"1e999", b"1e-320", b"-0.0", b"-1", b"0", b"9" * 18,
    b"9" * 19, b"9" * 400, b"2147483648", b"9223372036854775808", b"x" * 600, b"x" * 70_000,
    b"PK\x05\x06", b"PAR1", "é".encode(), "👩‍🚀".encode(), b"1_0", "٣".encode(),
]  # fmt: skip
NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
MAX_STEPS = 4


def mutated(rng: Random, *valid: bytes) -> bytes:
    """Return one of these inputs, damaged in up to four places; sometimes any bytes."""
    if rng.random() < 0.1:
        return rng.randbytes(rng.randrange(300))
    content = rng.choice(valid)
    for _ in range(rng.randint(1, MAX_STEPS)):
        step = rng.choice(STEPS)
        content = step(rng, content, rng.randrange(len(content) + 1))
    return content


def _flip(rng: Random, content: bytes, at: int) -> bytes:
    mask = 1 << rng.randrange(8)
    return content[:at] + bytes(byte ^ mask for byte in content[at : at + 1]) + content[at + 1 :]


def _overwrite(rng: Random, content: bytes, at: int) -> bytes:
    fresh = rng.randbytes(rng.randint(1, 8))
    return content[:at] + fresh + content[at + len(fresh) :]


def _cut(rng: Random, content: bytes, at: int) -> bytes:
    return content[:at] + content[at + rng.randint(1, 200) :]


def _truncate(_rng: Random, content: bytes, at: int) -> bytes:
    return content[:at]


def _repeat(rng: Random, content: bytes, at: int) -> bytes:
    length = rng.randint(1, 200)
    part = content[at : at + length]
    return content[:at] + part * rng.randint(2, 300) + content[at + length :]


def _insert(rng: Random, content: bytes, at: int) -> bytes:
    return content[:at] + rng.choice(TOKENS) + content[at:]


def _number(rng: Random, content: bytes, at: int) -> bytes:
    found = NUMBER.search(content, at)
    if found is None:
        return content
    return content[: found.start()] + rng.choice(TOKENS) + content[found.end() :]


def _move(rng: Random, content: bytes, at: int) -> bytes:
    length = rng.randint(1, 200)
    part, rest = content[at : at + length], content[:at] + content[at + length :]
    to = rng.randrange(len(rest) + 1)
    return rest[:to] + part + rest[to:]


STEPS = (_flip, _overwrite, _cut, _truncate, _repeat, _insert, _number, _number, _move)
